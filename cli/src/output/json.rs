//! `-o json` (and `jsonpb`): the whole response on one line. Tycho's details, if the server sent any,
//! are its last key, `tycho`.

use std::io;

use proto::flow::{Flow, LostEvent};
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::GetFlowsResponse;

use super::row::Layout;

pub(super) struct Json;

impl Json {
    fn line(out: &mut dyn io::Write, response: &GetFlowsResponse) -> io::Result<()> {
        // This message is Hubble's response and one more field, which is left out if it is not set.
        let line = proto::json::message_to_json("tycho.v1.GetFlowsResponse", response);
        writeln!(out, "{line}")
    }
}

impl Layout for Json {
    fn flow(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        _flow: &Flow,
    ) -> io::Result<()> {
        Self::line(out, response)
    }

    fn lost(
        &mut self,
        out: &mut dyn io::Write,
        response: &GetFlowsResponse,
        _lost: &LostEvent,
    ) -> io::Result<()> {
        Self::line(out, response)
    }

    fn node_status(
        &mut self,
        err: &mut dyn io::Write,
        response: &GetFlowsResponse,
        _status: &NodeStatusEvent,
    ) -> io::Result<()> {
        Self::line(err, response)
    }
}
