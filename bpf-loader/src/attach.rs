//! Attaching to the host end of an endpoint's veth: tcx at the head of the chain, clsact below kernel 6.6.

use std::path::Path;

use aya::programs::links::{FdLink, LinkError, PinnedLink};
use aya::programs::tc::{NlOptions, TcAttachOptions, qdisc_add_clsact};
use aya::programs::{LinkOrder, SchedClassifier};
use aya::util::KernelVersion;

use crate::error::LoaderError;
use crate::hook::Hook;
use crate::namespace::inside;
use crate::pins::Pins;

/// tcx came with Linux 6.6 (e420bed02507); before, filters of the clsact qdisc do the same.
fn has_tcx() -> bool {
    KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(6, 6, 0))
}

/// Where a program goes.
pub(crate) struct Place<'a> {
    pub namespace: Option<&'a Path>,
    pub interface: &'a str,
    pub ifindex: u32,
    pub hook: Hook,
}

/// Attaches the program, or hands an adopted link of the same interface over to it, without a gap.
pub(crate) fn attach(
    program: &mut SchedClassifier,
    place: &Place<'_>,
    pins: Option<&Pins>,
) -> Result<(), LoaderError> {
    let Some(pins) = pins.filter(|_| has_tcx()) else {
        return attach_new(program, place).map(|_| ());
    };
    let path = pins.link(place.ifindex, place.hook);
    if adopt(program, &path)? {
        return Ok(());
    }
    let id = attach_new(program, place)?;
    let failed = |source| LoaderError::Link {
        path: path.clone(),
        operation: "pin",
        source,
    };
    let link = program
        .take_link(id)
        .map_err(|error| failed(Box::new(error)))?;
    let link: FdLink = link
        .try_into()
        .map_err(|error: LinkError| failed(Box::new(error)))?;
    // The pin keeps the link; the returned handle only could remove it again.
    link.pin(&path).map_err(|error| failed(Box::new(error)))?;
    Ok(())
}

type LinkId = aya::programs::tc::SchedClassifierLinkId;

fn attach_new(program: &mut SchedClassifier, place: &Place<'_>) -> Result<LinkId, LoaderError> {
    let failed = |source| LoaderError::Attach {
        interface: place.interface.to_owned(),
        hook: place.hook.place(),
        source: Box::new(source),
    };
    let attached = inside(place.namespace, || {
        if has_tcx() {
            let options = TcAttachOptions::TcxOrder(LinkOrder::first());
            return program.attach_with_options(place.interface, place.hook.attach_type(), options);
        }
        // It is fine if somebody else has added the qdisc.
        if let Err(error) = qdisc_add_clsact(place.interface) {
            tracing::debug!(interface = place.interface, %error, "clsact is already there");
        }
        let options = TcAttachOptions::Netlink(NlOptions {
            priority: 1,
            ..NlOptions::default()
        });
        program.attach_with_options(place.interface, place.hook.attach_type(), options)
    })?;
    attached.map_err(failed)
}

/// True if a pinned link was there and now runs this program.
fn adopt(program: &mut SchedClassifier, path: &Path) -> Result<bool, LoaderError> {
    if !path.exists() {
        return Ok(false);
    }
    let failed = |operation, source| LoaderError::Link {
        path: path.to_owned(),
        operation,
        source,
    };
    let pinned = PinnedLink::from_pin(path).map_err(|error| failed("read", Box::new(error)))?;
    let link = FdLink::from(pinned)
        .try_into()
        .map_err(|error: LinkError| failed("read", Box::new(error)))?;
    match program.attach_to_link(link) {
        Ok(id) => {
            // Dropping our handle leaves the pin, which keeps the link.
            drop(
                program
                    .take_link(id)
                    .map_err(|error| failed("take over", Box::new(error)))?,
            );
            Ok(true)
        }
        Err(error) => {
            tracing::info!(path = %path.display(), %error, "removing the pin of a link whose interface is gone");
            remove(path)?;
            Ok(false)
        }
    }
}

/// Removes a pinned link: the program is detached.
pub(crate) fn remove(path: &Path) -> Result<(), LoaderError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(LoaderError::File {
            operation: "remove the pinned link",
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
