//! `-o` of the commands that show one answer of a server: for people, or the answer itself.

use std::io::{self, Write};

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Form {
    /// Text in aligned columns
    #[default]
    Table,
    /// One JSON object
    #[value(alias = "jsonpb")]
    Json,
}

impl Form {
    /// Prints an answer on standard output: as JSON (`full_name` is its name in the contract), or as `text` writes it.
    pub(crate) fn print<M: prost::Message>(
        self,
        full_name: &str,
        answer: &M,
        text: impl FnOnce(&mut dyn Write, &M) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self {
            Self::Table => text(&mut out, answer)?,
            Self::Json => {
                let json = proto::json::message_to_json(full_name, answer);
                writeln!(out, "{json}")?;
            }
        }
        out.flush()
    }
}
