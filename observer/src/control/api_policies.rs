//! Commands about policies: checked, kept beside the directory, brought into force, or taken back as a whole.

use policy::{Policy, PolicyName, read_policies};
use registry::api_store::PolicyFile;
use registry::directory::Manifest;

use super::command::{CommandError, ImportPolicies, Imported};
use super::{Control, chain};
use crate::desired::{OF_REGISTRY, Owner};

/// The name of a file that has none.
const UNNAMED: &str = "policies";

impl Control {
    pub(super) fn import_policies(
        &mut self,
        import: &ImportPolicies,
    ) -> Result<Imported, CommandError> {
        let file = match import.file.as_str() {
            "" => UNNAMED,
            name => name,
        };
        let policies = read_policies(file, &import.yaml)
            .map_err(|error| CommandError::Invalid(chain(&error)))?;
        if policies.is_empty() {
            return Err(CommandError::Invalid(format!("{file}: holds no policy")));
        }
        let mut after = self.api.policies.clone();
        let mut names: Vec<PolicyName> = Vec::with_capacity(policies.len());
        for policy in &policies {
            if names.contains(&policy.name) {
                return Err(CommandError::Invalid(format!(
                    "{file}:{}: {} is defined twice",
                    policy.line, policy.name
                )));
            }
            self.refuse_taken(policy)?;
            let manifest = self.manifest(policy)?;
            after.retain(|kept| kept.path != manifest.path);
            after.push(manifest);
            names.push(PolicyName::clone(&policy.name));
        }
        after.sort_by(|a, b| a.path.cmp(&b.path));
        let revision = self.change_policies(after)?;
        Ok(Imported { names, revision })
    }

    pub(super) fn delete_policy(&mut self, name: &PolicyName) -> Result<u64, CommandError> {
        if let Some(aside) = self.planner.policy_set_aside(name) {
            let mut after = self.api.policies.clone();
            after.retain(|kept| kept.path != aside.path);
            return self.change_policies(after);
        }
        let view = self.planner.view();
        let mut policies = view.rules.policies().iter();
        let found = policies.find(|known| *known.name == *name);
        let Some(found) = found else {
            return Err(CommandError::NotFound(format!(
                "there is no policy {name}; `tycho policy list` shows those there are"
            )));
        };
        match view.owner(found) {
            Owner::Api => {}
            Owner::File => {
                return Err(CommandError::OfFile(format!(
                    "policy {name} is defined by {}:{}: remove it there",
                    found.file, found.line
                )));
            }
            Owner::Registry => {
                let entry = found.file.strip_prefix(OF_REGISTRY);
                return Err(CommandError::OfFile(format!(
                    "policy {name} is in the cluster's registry, for all nodes: run `tycho registry policy delete {}`",
                    entry.unwrap_or(&found.file)
                )));
            }
        }
        let path = self.path(name)?;
        let mut after = self.api.policies.clone();
        after.retain(|kept| kept.path != path);
        self.change_policies(after)
    }

    /// A policy of a file or of the registry is not replaced by the API.
    fn refuse_taken(&self, policy: &Policy) -> Result<(), CommandError> {
        let view = self.planner.view();
        let mut known = view.rules.policies().iter();
        let taken =
            known.find(|known| known.name == policy.name && view.owner(known) != Owner::Api);
        taken.map_or(Ok(()), |taken| {
            Err(CommandError::Taken(format!(
                "{}:{}: {} is already defined at {}:{}",
                policy.file, policy.line, policy.name, taken.file, taken.line
            )))
        })
    }

    /// The policy's own text, which must say the same when it stands alone.
    fn manifest(&self, policy: &Policy) -> Result<Manifest, CommandError> {
        let alone = read_policies(&policy.file, &policy.text);
        let same = alone.is_ok_and(|alone| alone.len() == 1 && alone[0].name == policy.name);
        if !same {
            return Err(CommandError::Invalid(format!(
                "{}:{}: {} shares its YAML document with others: give it one of its own, after a line `---`",
                policy.file, policy.line, policy.name
            )));
        }
        Ok(Manifest {
            path: self.path(&policy.name)?,
            text: policy.text.to_string(),
        })
    }

    fn path(&self, name: &PolicyName) -> Result<std::path::PathBuf, CommandError> {
        let kind = name.kind.to_string();
        let policy = PolicyFile {
            kind: &kind,
            namespace: &name.namespace,
            name: &name.name,
        };
        let path = self.api.store.policy_path(policy);
        path.map_err(|error| CommandError::Invalid(chain(&error)))
    }

    /// Keeps these policies and brings them into force, or leaves everything as it was; the revision that has them.
    fn change_policies(&mut self, after: Vec<Manifest>) -> Result<u64, CommandError> {
        self.planner
            .set_api_policies(&after)
            .map_err(|error| CommandError::Taken(chain(&error)))?;
        let before = std::mem::replace(&mut self.api.policies, after);
        let kept = self.api.store.change_policies(&before, &self.api.policies);
        if let Err(error) = kept {
            self.use_policies(before);
            return Err(CommandError::Failed(chain(&error)));
        }
        self.due = true;
        self.bring_into_force(|control| {
            let kept = control
                .api
                .store
                .change_policies(&control.api.policies, &before);
            if let Err(error) = kept {
                tracing::error!(error = %chain(&error), "an import that failed could not be taken back");
            }
            control.use_policies(before);
        })?;
        Ok(self.planner.view().revision.into())
    }

    /// Goes back to policies that were in use before.
    fn use_policies(&mut self, policies: Vec<Manifest>) {
        if let Err(error) = self.planner.set_earlier_api_policies(&policies) {
            tracing::error!(error = %chain(&error), "policies that were in force cannot be used any more");
        }
        self.api.policies = policies;
        self.due = true;
    }
}
