//! `--drop-reason-desc`: why traffic was dropped.

use proto::flow::DropReason;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[FilterFlag::new(
    "drop-reason-desc",
    "REASON",
    "Dropped flows with this reason, such as POLICY_DENIED (no rule allows) or POLICY_DENY (a rule denies)",
    |pair, value| {
        let reason = DropReason::from_str_name(value).ok_or_else(|| {
            format!(
                "invalid --drop-reason-desc value: {value}; it is a name such as POLICY_DENIED, POLICY_DENY or INVALID_SOURCE_IP"
            )
        })?;
        pair.push(|f| &mut f.drop_reason_desc, reason.into());
        Ok(())
    },
)];
