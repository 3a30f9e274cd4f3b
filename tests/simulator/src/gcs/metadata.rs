//! The metadata server of a machine in the cloud.

use serde_json::json;

use super::access::Principal;
use super::request::{Answer, Request};
use super::world::{EVERYTHING, World};

fn text(text: &str) -> Answer {
    Answer::empty(200)
        .with("Content-Type", "application/text")
        .body(text.to_owned())
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    if request.header("metadata-flavor") != Some("Google") {
        return Answer::empty(403)
            .with("Content-Type", "text/html; charset=UTF-8")
            .body("Missing Metadata-Flavor:Google header.");
    }
    let answer = read(world, request);
    answer
        .with("Metadata-Flavor", "Google")
        .with("Server", "Metadata Server for VM")
}

fn read(world: &mut World, request: &Request) -> Answer {
    let parts = request.parts();
    let account = world.config.metadata_account.clone();
    match (&parts[..], account) {
        ([], _) => text("computeMetadata/\n"),
        (["computeMetadata", "v1", "project", "project-id"], _) => text(&world.config.project),
        (["computeMetadata", "v1", "project", "numeric-project-id"], _) => {
            let number = world.project(&world.config.project).map(|one| one.number);
            text(&number.unwrap_or_default().to_string())
        }
        (
            [
                "computeMetadata",
                "v1",
                "instance",
                "service-accounts",
                rest @ ..,
            ],
            Some(email),
        ) => {
            let (name, rest) = rest
                .split_first()
                .map_or(("", rest), |(name, rest)| (*name, rest));
            if name != "default" && name != email {
                return Answer::empty(404);
            }
            match rest {
                [] | [""] if request.flag("recursive") => Answer::ok(&json!({
                    "aliases": ["default"],
                    "email": email,
                    "scopes": [EVERYTHING],
                })),
                [] | [""] => text("aliases\nemail\nidentity\nscopes\ntoken\n"),
                ["email"] => text(&email),
                ["scopes"] => text(&format!("{EVERYTHING}\n")),
                ["token"] => {
                    let token = world.issue(Principal::Account(email), vec![EVERYTHING.to_owned()]);
                    Answer::ok(&json!({
                        "access_token": token,
                        "expires_in": 3599,
                        "token_type": "Bearer",
                    }))
                }
                _ => Answer::empty(404),
            }
        }
        _ => Answer::empty(404),
    }
}
