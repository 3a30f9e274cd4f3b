//! Log lines as Terraform understands them: JSON on standard error.
//!
//! Only this crate's own events are written. Libraries log whole requests at TRACE,
//! and those hold secrets.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::secret::scrub;

/// Begins to write what `TF_LOG_PROVIDER` or `TF_LOG` asks for.
pub(super) fn install(variable: impl Fn(&str) -> Option<String>) {
    let level = ["TF_LOG_PROVIDER", "TF_LOG"]
        .iter()
        .filter_map(|name| variable(name))
        .find(|text| !text.is_empty())
        .map_or(LevelFilter::OFF, |text| level(&text));
    if level == LevelFilter::OFF {
        return;
    }
    let own = module_path!().split("::").next().unwrap_or_default();
    let only_own = Targets::new().with_target(own, level);
    // A second installation, in a test, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(Lines.with_filter(only_own))
        .try_init();
}

fn level(text: &str) -> LevelFilter {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" | "JSON" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        _ => LevelFilter::OFF,
    }
}

struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let line = line(
            metadata.level(),
            metadata.target(),
            OffsetDateTime::now_utc(),
            |fields| {
                event.record(fields);
            },
        );
        // Nobody is left to be told when standard error is gone.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn line(
    level: &Level,
    target: &str,
    now: OffsetDateTime,
    record: impl FnOnce(&mut Fields),
) -> String {
    let mut fields = Fields(Map::new());
    record(&mut fields);
    let mut map = fields.0;
    let message = map.remove("message").unwrap_or_else(|| Json::from(""));
    // Terraform crashes on a message that is not a text.
    let message = match message {
        Json::String(text) => text,
        other => other.to_string(),
    };
    let stamp =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    map.insert(
        "@level".to_owned(),
        level.as_str().to_ascii_lowercase().into(),
    );
    map.insert("@message".to_owned(), message.into());
    map.insert("@module".to_owned(), target.into());
    map.insert(
        "@timestamp".to_owned(),
        now.format(&stamp).unwrap_or_default().into(),
    );
    // Whatever a line holds, no secret gets out with it.
    format!("{}\n", scrub(&Json::Object(map).to_string()))
}

struct Fields(Map<String, Json>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_keys_that_terraform_reads() {
        let then = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("time");
        let text = line(&Level::WARN, "tiny::x", then, |fields| {
            fields.0.insert("message".into(), 7.into());
            fields.0.insert("count".into(), 2.into());
        });
        assert_eq!(
            text,
            concat!(
                r#"{"@level":"warn","@message":"7","@module":"tiny::x","#,
                r#""@timestamp":"2023-11-14T22:13:20.000000Z","count":2}"#,
                "\n"
            )
        );
    }
}
