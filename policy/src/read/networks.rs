//! CIDRs: `fromCIDR`, `fromCIDRSet`, and `ipBlock` of a NetworkPolicy.

use super::error::ReadError;
use super::place::Place;
use super::unsupported;
use crate::cidr::{Cidr, CidrError};
use crate::rule::{CidrPeer, Peer};

/// One entry of `fromCIDR` or `toCIDR`: a CIDR or a bare address.
pub(super) fn bare(place: &Place<'_>) -> Result<Peer, ReadError> {
    Ok(Peer::Cidr(CidrPeer {
        cidr: network(place)?,
        except: Vec::new(),
    }))
}

/// One entry of `fromCIDRSet` or `toCIDRSet`, or an `ipBlock`: `cidr` and what of it is not meant.
pub(super) fn with_exceptions(place: &Place<'_>) -> Result<Peer, ReadError> {
    let fields = place.fields(&["cidr", "except"], unsupported::CIDR_RULE)?;
    let cidr = network(&fields.required("cidr")?)?;
    let mut except = Vec::new();
    for exception in fields.list("except")? {
        let network = network(&exception)?;
        if !cidr.contains_cidr(&network) {
            return Err(exception.invalid(format!("{network} does not lie within {cidr}")));
        }
        except.push(network);
    }
    except.sort_unstable();
    except.dedup();
    Ok(Peer::Cidr(CidrPeer { cidr, except }))
}

/// Bits beyond the prefix mean nothing here, as in Kubernetes: `10.1.2.3/8` is `10.0.0.0/8`.
fn network(place: &Place<'_>) -> Result<Cidr, ReadError> {
    match place.text()?.parse() {
        Ok(network) | Err(CidrError::HostBits { network, .. }) => Ok(network),
        Err(error) => Err(place.invalid(error)),
    }
}
