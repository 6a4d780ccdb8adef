//! Reads policies as the observer does, and finds every policy that has a problem, not only the first.

use std::collections::HashMap;
use std::sync::Arc;

use policy::{Policy, PolicyName, ReadError, read_each};

use super::sources::Source;

/// A place in a file, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) field: String,
    pub(super) reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.reason)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Self {
            reason: error.reason.to_string(),
            file: error.file,
            line: error.line,
            field: error.field,
        }
    }
}

/// What the files say.
#[derive(Default)]
pub(super) struct Reading {
    /// Files without a problem of their own, with the number of their policies and rules.
    pub(super) good: Vec<(String, usize, usize)>,
    pub(super) problems: Vec<Problem>,
    /// Where each policy was defined first.
    names: HashMap<Arc<PolicyName>, String>,
}

impl Reading {
    /// Reads these texts, which are to be in force together.
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut reading = Self::default();
        for source in sources {
            reading.add(source);
        }
        reading
    }

    fn add(&mut self, source: &Source) {
        let before = self.problems.len();
        let (mut policies, mut rules) = (0, 0);
        for read in read_each(&source.file, &source.text) {
            match read {
                Ok(policy) => {
                    policies += 1;
                    rules += policy.rules.len();
                    self.note(&policy);
                }
                Err(error) => self.problems.push(error.into()),
            }
        }
        if self.problems.len() == before {
            self.good.push((source.file.clone(), policies, rules));
        }
    }

    fn note(&mut self, policy: &Policy) {
        let place = format!("{}:{}", policy.file, policy.line);
        if let Some(other) = self.names.get(&policy.name) {
            self.problems.push(Problem {
                file: policy.file.clone(),
                line: policy.line,
                field: "metadata.name".to_owned(),
                reason: format!("{} is already defined at {other}", policy.name),
            });
            return;
        }
        self.names.insert(Arc::clone(&policy.name), place);
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Source};

    fn policy(name: &str, field: &str) -> String {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}}}\nspec:\n  \
             endpointSelector: {{}}\n  {field}\n"
        )
    }

    fn read(texts: &[(&str, String)]) -> (Vec<(String, usize, usize)>, Vec<String>) {
        let sources: Vec<Source> = texts
            .iter()
            .map(|(file, text)| Source {
                file: (*file).to_owned(),
                text: text.clone(),
            })
            .collect();
        let reading = Reading::of(&sources);
        let problems = reading.problems.iter().map(ToString::to_string).collect();
        (reading.good, problems)
    }

    #[test]
    fn each_bad_document_is_told_with_its_line() {
        let good = policy("a", "ingress: [{}]");
        let bad = policy("b", "nope: 1");
        let (files, problems) = read(&[
            (
                "good",
                format!("{good}---\n{}", policy("c", "egress: [{}, {}]")),
            ),
            (
                "bad",
                format!(
                    "{bad}---\n{}--- # more\n{bad}",
                    policy("d", "ingress: [{}]")
                ),
            ),
        ]);
        assert_eq!(files, [("good".to_owned(), 2, 3)]);
        assert_eq!(
            problems,
            [
                "bad:6: spec.nope: unknown field",
                "bad:20: spec.nope: unknown field",
            ]
        );
    }

    #[test]
    fn a_name_that_is_taken() {
        let (files, problems) = read(&[
            ("one", policy("a", "ingress: [{}]")),
            ("two", policy("a", "ingress: [{}]")),
        ]);
        assert_eq!(files.len(), 1);
        assert_eq!(
            problems,
            ["two:1: metadata.name: CiliumNetworkPolicy/default/a is already defined at one:1"]
        );
    }

    #[test]
    fn what_is_no_yaml_has_one_problem() {
        let (_, problems) = read(&[("x", "kind: [\n---\nkind: ]\n".to_owned())]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("not valid YAML"), "{problems:?}");
    }
}
