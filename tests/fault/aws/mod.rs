//! AWS behind a proxy that answers as Amazon does, where the stand-in never would.

mod create_tags;
mod gone;
mod gone_again;
mod gone_cut;
mod gone_taken;
mod interrupted;
mod kill;
mod lose;
mod owed;
mod owner;
mod race;
mod refuse;
mod retry;
mod rights;
mod world;

use simulator::proxy::{Proxy, Seen};

use crate::harness::moto;
use crate::harness::proxy_to;

/// A stage on AWS.
type Stage = crate::harness::Stage<crate::harness::Aws>;

/// The stand-in's one caller.
const CALLER: &str = "arn:aws:sts::123456789012:user/moto";

/// The probe is not what is tried here.
const QUIET: &str = r#"verify = "settings""#;

/// A stage whose cloud is behind a proxy.
fn stage(name: &str) -> (Stage, Proxy) {
    let (proxy, login) = proxy_to(moto());
    (Stage::on(name, login), proxy)
}

/// A write to a part of a bucket.
fn is_put(part: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.method == "PUT" && seen.target.ends_with(part)
}

/// A request about the bucket itself; it is in the path, and nothing else is.
fn is_creation(seen: &Seen) -> bool {
    seen.method == "PUT" && !seen.target.contains('?')
}

/// A request that does this.
fn does(action: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.action == action
}

/// How many requests fit.
fn count(proxy: &Proxy, fits: impl Fn(&Seen) -> bool) -> usize {
    proxy.requests().iter().filter(|seen| fits(seen)).count()
}

/// The four parts of a message, each with what it has to say.
fn says(text: &str, summary: &str, why: &str, call: &str, left: &str, advice: &str) {
    for part in [
        summary.to_owned(),
        format!("Why: {why}"),
        format!("Call: {call}"),
        format!("Left behind: {left}"),
        "What to do: ".to_owned(),
        advice.to_owned(),
    ] {
        assert!(text.contains(&part), "no {part:?} in\n{text}");
    }
}

/// What is left behind where a create has stopped.
const HALF: &str = "the bucket, half made; the next apply goes on with it";
