//! Puts a request together from the flags.

use std::time::SystemTime;

use proto::observer::GetFlowsRequest;

use super::{FlowArgs, ObserveError, field_mask, raw_filters};

/// The request that the flags describe.
pub(super) fn build(args: &FlowArgs) -> Result<GetFlowsRequest, ObserveError> {
    let (mut whitelist, mut blacklist) = args.filters.lists()?;
    whitelist.extend(raw_filters::parse("--allowlist", &args.allowlist)?);
    blacklist.extend(raw_filters::parse("--denylist", &args.denylist)?);
    let selection = args
        .selectors
        .selection(args.input_file.is_some(), SystemTime::now())?;
    let field_mask = field_mask::mask(
        args.formatting.output,
        &args.field_mask,
        args.use_default_field_masks,
        // A policy that is named is what tells a rule for everybody from none at all.
        args.flow_formatting.print_policy_names || args.dedup,
    )?;
    if args.dedup {
        field_mask::check_for_dedup(field_mask.as_ref())?;
    }
    Ok(GetFlowsRequest {
        number: selection.number,
        first: selection.first,
        follow: selection.follow,
        since: selection.since,
        until: selection.until,
        whitelist,
        blacklist,
        field_mask,
        ..Default::default()
    })
}
