//! What changes, and the log of it: who is at which place, who has the address that wanders, and which policy holds.

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;

use tests::agent::Agent;
use tests::random::Random;
use tests::site::Site;

use super::PLACES;
use super::timeline::{Timeline, now_ns};

/// Belongs to one endpoint or another, and to no interface: what is sent there goes nowhere.
pub(super) const WANDERING: &str = "10.47.0.9";
/// Ports of which policies allow one or the other.
pub(super) const PORTS: [u16; 2] = [7_000, 7_001];
/// Names that endpoints can have.
const NAMES: [&str; 6] = ["ann", "bob", "cid", "dot", "eve", "fay"];

/// An endpoint at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tenant {
    /// Its name.
    pub(super) name: String,
    /// Its role, which it alone has, and only until it gets another.
    pub(super) role: String,
    wandering: bool,
}

/// All that held.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// Who had an address: the endpoint's name and role.
    pub(super) holders: HashMap<IpAddr, Timeline<Option<(String, String)>>>,
    /// Which port the policy allowed; `None` as long as there was no policy.
    pub(super) open_port: Timeline<Option<u16>>,
}

/// Makes changes, one after the other.
pub(super) struct Changes<'a> {
    site: &'a Site,
    agent: &'a Agent,
    random: Random,
    /// Who is at each place now.
    tenants: [Option<Tenant>; 4],
    open_port: usize,
    roles: usize,
    made: usize,
    truth: Truth,
}

impl<'a> Changes<'a> {
    /// Nobody is anywhere but in the endpoint file.
    pub(super) fn new(site: &'a Site, agent: &'a Agent, random: Random) -> Self {
        let mut holders = HashMap::new();
        for (place, _) in PLACES {
            for ipv6 in [false, true] {
                let address = site.at(place, ipv6, 0).ip();
                let fixed = (place == "fixed").then(|| ("fixed".to_owned(), "fixed".to_owned()));
                holders.insert(address, Timeline::new(fixed));
            }
        }
        holders.insert(wandering(), Timeline::new(None));
        Self {
            site,
            agent,
            random,
            tenants: [const { None }; 4],
            open_port: 0,
            roles: 0,
            made: 0,
            truth: Truth {
                holders,
                open_port: Timeline::new(None),
            },
        }
    }

    /// Lets endpoints in, and puts the first policy in force.
    pub(super) fn begin(&mut self) {
        self.switch_policy();
        for place in 0..self.tenants.len() {
            self.let_in(place, place == 0);
        }
    }

    /// How many changes there were.
    pub(super) fn made(&self) -> usize {
        self.made
    }

    /// The log.
    pub(super) fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// Some change, mostly a small one.
    pub(super) fn make_one(&mut self) {
        let place = self.random.below(self.tenants.len());
        match self.random.below(100) {
            0..40 => self.relabel(place),
            40..60 => self.switch_policy(),
            60..80 => self.replace(place),
            _ => self.hand_over(),
        }
    }

    /// The endpoint gets another role.
    fn relabel(&mut self, place: usize) {
        let role = self.new_role();
        let Some(mut tenant) = self.tenants[place].clone() else {
            return self.let_in(place, false);
        };
        tenant.role = role;
        let name = format!("shop/{}", tenant.name);
        let label = format!("role={}", tenant.role);
        self.tell(place, Some(tenant), &["endpoint", "label", &name, &label]);
    }

    /// The endpoint goes; another has its interface and addresses, perhaps under the name of one that went before.
    fn replace(&mut self, place: usize) {
        let had = self.tenants[place]
            .as_ref()
            .is_some_and(|tenant| tenant.wandering);
        self.let_go(place);
        self.let_in(place, had);
    }

    /// The address that wanders goes from one endpoint to another; both keep their names and labels.
    fn hand_over(&mut self) {
        let holds =
            |tenant: &Option<Tenant>| tenant.as_ref().is_some_and(|tenant| tenant.wandering);
        let from = self.tenants.iter().position(holds);
        let to = self.random.below(self.tenants.len());
        for (place, wandering) in from
            .map(|from| (from, false))
            .into_iter()
            .chain([(to, true)])
        {
            let Some(mut tenant) = self.tenants[place].clone() else {
                continue;
            };
            self.let_go(place);
            tenant.wandering = wandering;
            self.admit(place, tenant);
        }
    }

    fn let_go(&mut self, place: usize) {
        if let Some(tenant) = self.tenants[place].clone() {
            let name = format!("shop/{}", tenant.name);
            self.tell(place, None, &["endpoint", "remove", &name]);
        }
    }

    fn let_in(&mut self, place: usize, wandering: bool) {
        let taken: Vec<&str> = self
            .tenants
            .iter()
            .flatten()
            .map(|tenant| tenant.name.as_str())
            .collect();
        let free: Vec<&str> = NAMES
            .into_iter()
            .filter(|name| !taken.contains(name))
            .collect();
        let tenant = Tenant {
            name: self.random.pick(&free).to_owned(),
            role: self.new_role(),
            wandering,
        };
        self.admit(place, tenant);
    }

    fn admit(&mut self, place: usize, tenant: Tenant) {
        let (name, _) = PLACES[place];
        let namespace = self.site.namespace(name).name().to_owned();
        let mut ips: Vec<String> = [false, true]
            .map(|ipv6| self.site.at(name, ipv6, 0).ip().to_string())
            .to_vec();
        if tenant.wandering {
            ips.push(WANDERING.to_owned());
        }
        let label = format!("role={}", tenant.role);
        let named = tenant.name.clone();
        let mut arguments = vec!["endpoint", "add", "--name", &named, "--namespace", "shop"];
        arguments.extend(["--netns", &namespace, "--label", &label]);
        for ip in &ips {
            arguments.extend(["--ip", ip]);
        }
        self.tell(place, Some(tenant), &arguments);
    }

    /// Carries out a change of a place, and notes what holds from then on.
    fn tell(&mut self, place: usize, tenant: Option<Tenant>, arguments: &[&str]) {
        let before = self.tenants[place].take();
        let (from_ns, by_ns) = self.carry_out(arguments);
        let (name, _) = PLACES[place];
        let own = [false, true].map(|ipv6| self.site.at(name, ipv6, 0).ip());
        let is = |tenant: &Tenant| (tenant.name.clone(), tenant.role.clone());
        for address in own {
            self.note(address, tenant.as_ref().map(is), from_ns, by_ns);
        }
        let wanders = |tenant: &&Tenant| tenant.wandering;
        let (had, has) = (
            before.as_ref().filter(wanders),
            tenant.as_ref().filter(wanders),
        );
        if had.is_some() || has.is_some() {
            self.note(wandering(), has.map(is), from_ns, by_ns);
        }
        self.tenants[place] = tenant;
    }

    fn note(
        &mut self,
        address: IpAddr,
        holder: Option<(String, String)>,
        from_ns: u64,
        by_ns: u64,
    ) {
        let timeline = self
            .truth
            .holders
            .get_mut(&address)
            .expect("known from the beginning");
        timeline.became(holder, from_ns, by_ns);
    }

    fn switch_policy(&mut self) {
        self.open_port = 1 - self.open_port;
        let port = PORTS[self.open_port];
        let file = self.site.file("flapping.yaml");
        fs::write(&file, policy(port)).expect("written");
        let path = file.to_str().expect("a plain path").to_owned();
        let (from_ns, by_ns) = self.carry_out(&["policy", "import", &path]);
        self.truth.open_port.became(Some(port), from_ns, by_ns);
    }

    fn carry_out(&mut self, arguments: &[&str]) -> (u64, u64) {
        let from_ns = now_ns();
        let run = self.agent.ask(arguments);
        let by_ns = now_ns();
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        self.made += 1;
        (from_ns, by_ns)
    }

    fn new_role(&mut self) -> String {
        self.roles += 1;
        format!("role-{}", self.roles)
    }
}

fn wandering() -> IpAddr {
    WANDERING.parse().expect("an address")
}

/// Everybody may be reached at one of the two ports.
fn policy(port: u16) -> String {
    format!(
        r#"
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {{name: flapping}}
spec:
  endpointSelector: {{}}
  ingress:
  - toPorts: [{{ports: [{{port: "{port}", protocol: UDP}}]}}]
"#
    )
}
