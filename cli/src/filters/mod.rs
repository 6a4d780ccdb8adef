//! The filter flags of `tycho observe`, read in the order of the command line and turned into the
//! allow and deny lists of a request, as Hubble's CLI does it.

mod cel;
mod cluster;
mod conflicts;
mod direction;
mod drop_reason;
mod encryption;
mod event_type;
mod flag;
mod fqdn;
mod http;
pub(crate) mod identity;
mod interface;
mod ip;
mod ip_version;
mod label;
mod namespace;
mod node;
mod pair;
mod pod;
mod port;
mod protocol;
mod service;
mod tcp_flags;
mod trace;
mod uuid;
mod verdict;
mod workload;

use clap::{Arg, ArgAction, ArgMatches, Command};
use prost_reflect::DynamicMessage;
use proto::flow::FlowFilter;

use flag::{FilterFlag, NOT};
use pair::FilterPair;

const HEADING: &str = "Filters";

/// Groups of flags, in the order of the help.
const GROUPS: &[&[FilterFlag]] = &[
    label::FLAGS,
    identity::FLAGS,
    ip::FLAGS,
    port::FLAGS,
    protocol::FLAGS,
    verdict::FLAGS,
    drop_reason::FLAGS,
    event_type::FLAGS,
    namespace::FLAGS,
    pod::FLAGS,
    service::FLAGS,
    workload::FLAGS,
    fqdn::FLAGS,
    ip_version::FLAGS,
    tcp_flags::FLAGS,
    direction::FLAGS,
    encryption::FLAGS,
    interface::FLAGS,
    node::FLAGS,
    cluster::FLAGS,
    http::FLAGS,
    trace::FLAGS,
    uuid::FLAGS,
    cel::FLAGS,
];

/// A filter flag that cannot be used as it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FilterError {
    /// The value is wrong, or the flag contradicts one before it.
    #[error("invalid argument {value:?} for {flag:?} flag: {reason}")]
    Argument {
        /// The flag as the help shows it.
        flag: String,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// `--not` is the last flag, or another `--not` follows it.
    #[error("--not negates the filter flag after it, but {0}")]
    Dangling(&'static str),
}

/// The filter flags as they stood on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilterFlags {
    /// Long name and value, in order.
    used: Vec<(String, String)>,
}

impl FilterFlags {
    /// The allow list and the deny list.
    pub(crate) fn lists(&self) -> Result<(Vec<FlowFilter>, Vec<FlowFilter>), FilterError> {
        let mut allow = FilterPair::default();
        let mut deny = FilterPair::default();
        let mut negated = false;
        for (name, value) in &self.used {
            if name == NOT {
                if negated {
                    return Err(FilterError::Dangling("another --not follows it"));
                }
                negated = true;
                continue;
            }
            let flag = all()
                .find(|flag| flag.name == name)
                .expect("only flags of the table are collected");
            let pair = if negated { &mut deny } else { &mut allow };
            negated = false;
            apply(flag, value, pair).map_err(|reason| FilterError::Argument {
                flag: flag.shown(),
                value: value.clone(),
                reason,
            })?;
        }
        if negated {
            return Err(FilterError::Dangling("none follows it"));
        }
        Ok((allow.finish(), deny.finish()))
    }
}

impl FilterFlags {
    /// The flags used that set this field of a `flow.FlowFilter`, as they are written.
    pub(crate) fn flags_that_set(&self, field: &str) -> Vec<String> {
        let mut flags: Vec<String> = Vec::new();
        for (name, value) in &self.used {
            let mut pair = FilterPair::default();
            let sets = all()
                .find(|flag| flag.name == name)
                .is_some_and(|flag| apply(flag, value, &mut pair).is_ok())
                && pair.finish().iter().any(|filter| sets(filter, field));
            let shown = format!("--{name}");
            if sets && !flags.contains(&shown) {
                flags.push(shown);
            }
        }
        flags
    }
}

fn sets(filter: &FlowFilter, field: &str) -> bool {
    let descriptor = proto::descriptor_pool()
        .get_message_by_name("flow.FlowFilter")
        .expect("the contract has it");
    let mut message = DynamicMessage::new(descriptor);
    message
        .transcode_from(filter)
        .expect("the type and the descriptor are of the same message");
    message.has_field_by_name(field)
}

fn apply(flag: &FilterFlag, value: &str, pair: &mut FilterPair) -> Result<(), String> {
    pair.note(flag.name);
    conflicts::check(pair)?;
    (flag.apply)(pair, value)?;
    pair.check_namespaces()
}

fn all() -> impl Iterator<Item = &'static FilterFlag> {
    GROUPS.iter().copied().flatten()
}

impl clap::FromArgMatches for FilterFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut used: Vec<(usize, String, String)> = Vec::new();
        for name in all().map(|flag| flag.name).chain([NOT]) {
            let (Some(positions), Some(values)) =
                (matches.indices_of(name), matches.get_many::<String>(name))
            else {
                continue;
            };
            for (position, value) in positions.zip(values) {
                used.push((position, name.to_owned(), value.clone()));
            }
        }
        used.sort_by_key(|(position, _, _)| *position);
        Ok(Self {
            used: used
                .into_iter()
                .map(|(_, name, value)| (name, value))
                .collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for FilterFlags {
    fn augment_args(command: Command) -> Command {
        let not = switch(Arg::new(NOT).long(NOT), "true")
            .help("Leave out what the next filter flag matches");
        command
            .args([not.help_heading(HEADING)])
            .args(all().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(flag: &FilterFlag) -> Arg {
    let mut argument = Arg::new(flag.name)
        .long(flag.name)
        .help(flag.help)
        .help_heading(HEADING)
        .action(ArgAction::Append);
    if let Some(short) = flag.short {
        argument = argument.short(short);
    }
    if flag.is_switch {
        switch(argument, flag.value_name)
    } else {
        argument.value_name(flag.value_name)
    }
}

/// A flag that needs no value, and takes none but this behind an equals sign.
fn switch(argument: Arg, value: &'static str) -> Arg {
    argument
        .action(ArgAction::Append)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value(value)
        .value_name(value)
        .value_parser([value])
        .hide_possible_values(true)
}
