//! Where the page is served, and under which names.

use std::path::Path;

use daemon::listen::{BindError, Bound, Exposure, Listen};

use super::{PageName, PagePrefix};

/// The address of the page unless configured otherwise.
pub const DEFAULT_PAGE: &str = "127.0.0.1:12000";

/// The configuration of the page.
#[derive(Clone, Debug, Default)]
pub struct PageConfig {
    /// Where it is served.
    pub listen: PageListen,
    /// The path under which a proxy shows it. Default: none.
    pub prefix: PagePrefix,
    /// Names by which people reach it, besides `localhost` and addresses. A request under another name is refused.
    pub names: Vec<PageName>,
}

/// Where the page is served.
#[derive(Clone, Debug, Default)]
pub enum PageListen {
    /// At the default address, if it is free: a second relay on a machine runs without a page, and says so.
    #[default]
    DefaultIfFree,
    /// At these addresses, or not at all if there are none.
    At(Vec<Listen>),
}

impl PageListen {
    /// Binds the addresses.
    pub(crate) async fn bind(
        &self,
        namespace: Option<&Path>,
        exposure: &Exposure,
    ) -> Result<Vec<Bound>, BindError> {
        let addresses = match self {
            Self::At(addresses) => addresses,
            Self::DefaultIfFree => {
                let listen: Listen = DEFAULT_PAGE.parse().expect("a test parses it");
                return match listen.bind_in(namespace, exposure.clone()).await {
                    Ok(bound) => Ok(vec![bound]),
                    Err(error @ BindError::TcpOccupied { .. }) => {
                        tracing::warn!(
                            "the web page is not served: {error}; `--page ADDRESS` chooses another, `--no-page` none"
                        );
                        Ok(Vec::new())
                    }
                    Err(error) => Err(error),
                };
            }
        };
        let mut bound = Vec::with_capacity(addresses.len());
        for listen in addresses {
            bound.push(listen.bind_in(namespace, exposure.clone()).await?);
        }
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_PAGE, Listen};

    #[test]
    fn the_default_parses() {
        assert_eq!(
            DEFAULT_PAGE.parse::<Listen>().unwrap().to_string(),
            DEFAULT_PAGE
        );
    }
}
