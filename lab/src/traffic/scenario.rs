//! A list of steps that repeat in the background until stopped, such as the demo's traffic.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::ServerMode;
use super::errors::TrafficError;
use super::step::{Step, StepReport, StepTotals, repeat_until_stopped};
use super::tcp_server::TcpServer;
use super::udp_server::UdpServer;
use crate::namespace::Namespace;
use crate::stop::{StopSignal, Worker};

/// Each step is a thread.
const MOST_STEPS: usize = 64;

/// Which protocol a server of a scenario speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerProtocol {
    /// A TCP server.
    Tcp,
    /// A UDP server.
    Udp,
}

/// Echo servers and steps, not yet running.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    servers: Vec<(Namespace, ServerProtocol, SocketAddr)>,
    steps: Vec<Step>,
}

impl Scenario {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an echo server inside a namespace.
    #[must_use]
    pub fn server(
        mut self,
        namespace: &Namespace,
        protocol: ServerProtocol,
        address: SocketAddr,
    ) -> Self {
        self.servers.push((namespace.clone(), protocol, address));
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Starts the servers, then the steps, each a fraction of its interval after the one before.
    ///
    /// # Errors
    /// There are too many steps, or a server or a thread cannot be started; what was started has
    /// ended by then.
    pub fn start(self) -> Result<Generator, TrafficError> {
        let count = self.steps.len();
        if count > MOST_STEPS {
            return Err(TrafficError::TooManySteps {
                count,
                limit: MOST_STEPS,
            });
        }
        let signal = StopSignal::default();
        let mut generator = Generator {
            signal,
            steps: Vec::new(),
            tcp_servers: Vec::new(),
            udp_servers: Vec::new(),
        };
        for (namespace, protocol, address) in self.servers {
            generator.start_server(&namespace, protocol, address)?;
        }
        for (place, step) in (0_u32..).zip(self.steps) {
            let divisor = u32::try_from(count).unwrap_or(u32::MAX).max(1);
            let delay = step.interval.saturating_mul(place) / divisor;
            generator.start_step(step, delay)?;
        }
        Ok(generator)
    }
}

/// A scenario that runs; dropping it ends it.
#[derive(Debug)]
pub struct Generator {
    signal: StopSignal,
    steps: Vec<(Arc<StepTotals>, Worker)>,
    tcp_servers: Vec<TcpServer>,
    udp_servers: Vec<UdpServer>,
}

impl Generator {
    /// How each step went so far, in the order in which they were added.
    pub fn reports(&self) -> Vec<StepReport> {
        self.steps
            .iter()
            .map(|(totals, _)| totals.report())
            .collect()
    }

    /// Ends the steps and the servers, waits for all of their threads (less than a second), and
    /// says how each step went.
    pub fn stop(mut self) -> Vec<StepReport> {
        self.end();
        self.reports()
    }

    fn start_server(
        &mut self,
        namespace: &Namespace,
        protocol: ServerProtocol,
        address: SocketAddr,
    ) -> Result<(), TrafficError> {
        match protocol {
            ServerProtocol::Tcp => {
                self.tcp_servers
                    .push(TcpServer::start(namespace, address, ServerMode::Echo)?);
            }
            ServerProtocol::Udp => {
                self.udp_servers
                    .push(UdpServer::start(namespace, address, ServerMode::Echo)?);
            }
        }
        Ok(())
    }

    fn start_step(&mut self, step: Step, delay: Duration) -> Result<(), TrafficError> {
        let totals = Arc::new(StepTotals::new(&step.name));
        let (step_totals, signal) = (Arc::clone(&totals), self.signal.clone());
        let address = step.to.to_string();
        let thread = std::thread::Builder::new()
            .name("lab-step".to_owned())
            .spawn(move || repeat_until_stopped(&step, delay, &step_totals, &signal))
            .map_err(|source| TrafficError::Thread { address, source })?;
        self.steps
            .push((totals, Worker::new(self.signal.clone(), thread)));
        Ok(())
    }

    /// Tells all of them first, so that they end side by side. Servers end last: a step in its
    /// last exchange still gets its answer.
    fn end(&mut self) {
        for (_, worker) in &mut self.steps {
            worker.stop();
        }
        for server in &self.tcp_servers {
            server.signal();
        }
        for server in &self.udp_servers {
            server.signal();
        }
        self.tcp_servers.clear();
        self.udp_servers.clear();
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.end();
    }
}
