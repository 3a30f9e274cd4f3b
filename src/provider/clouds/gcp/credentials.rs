//! Files of Google's credentials: by their path, or as the JSON in them.

use serde_json::Value;

use crate::sdk::secret::remember;
use crate::sdk::text::Text;

/// The kinds of credentials that Google's own tools write.
const KINDS: [&str; 5] = [
    "authorized_user",
    "external_account",
    "external_account_authorized_user",
    "impersonated_service_account",
    "service_account",
];
/// What is secret in one, wherever in it that stands.
const SECRETS: [&str; 6] = [
    "private_key",
    "client_secret",
    "refresh_token",
    "access_token",
    "id_token",
    "token",
];

/// Whether a text is the credentials themselves, and no path.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Why these are no credentials, as the end of a sentence. It never repeats the text.
pub(super) fn check(text: &str) -> Result<(), String> {
    if is_json(text) {
        return check_json(text);
    }
    Text::Line
        .check(text)
        .map_err(|why| format!("it is no JSON, and no path of a file: {why}"))
}

/// Why this is no file of credentials, as the end of a sentence. It never repeats the text.
fn check_json(text: &str) -> Result<(), String> {
    let file: Value = serde_json::from_str(text).map_err(|error| {
        format!(
            "it begins like JSON, and is none: line {}, column {}",
            error.line(),
            error.column()
        )
    })?;
    remember_secrets(&file);
    match file.get("type").and_then(Value::as_str) {
        Some(kind) if KINDS.contains(&kind) => Ok(()),
        Some(_) | None => Err(format!("its \"type\" is none of {}", KINDS.join(", "))),
    }
}

/// No server's answer may repeat a part of the file either.
fn remember_secrets(file: &Value) {
    match file {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if SECRETS.contains(&name.as_str()) => remember(text),
                    other => remember_secrets(other),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(remember_secrets),
        _ => {}
    }
}

/// The JSON of a text that [`check`] has found good: the text itself, or what is in the file
/// that it names.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub(super) fn read(text: &str) -> Result<String, String> {
    if is_json(text) {
        check_json(text)?;
        return Ok(text.to_owned());
    }
    let path = match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => text.into(),
    };
    let file = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("the file {text:?}, which it names, does not exist")
        }
        _ => format!("{text:?} cannot be read: {error}"),
    })?;
    if !is_json(&file) {
        return Err(format!("{text:?} holds no JSON"));
    }
    check_json(&file).map_err(|why| format!("of {text:?}, {why}"))?;
    Ok(file)
}

/// The file that `gcloud auth application-default login` writes, where it is there.
pub(super) fn of_gcloud() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = match set("CLOUDSDK_CONFIG") {
        Some(folder) => folder.into(),
        None if cfg!(windows) => std::path::Path::new(&set("APPDATA")?).join("gcloud"),
        None => std::env::home_dir()?.join(".config/gcloud"),
    };
    let file = folder.join("application_default_credentials.json");
    file.exists().then(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_json_or_a_path() {
        for good in [
            "/keys/wandb.json",
            "keys/wandb.json",
            r#"{"type": "service_account", "private_key": "hunter2hunter2"}"#,
            "\n  {\"type\": \"authorized_user\"}\n",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "a\nb",
            r#"{"type": "service_account", "private_key": "hunter2hunter2""#,
            r#"{"type": "hunter2hunter2"}"#,
            r#"{"private_key": "hunter2hunter2"}"#,
            "{hunter2hunter2}",
        ] {
            let why = check(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told_by_its_path() {
        let why = read("/nowhere/key.json").expect_err("no file");
        assert_eq!(
            why,
            r#"the file "/nowhere/key.json", which it names, does not exist"#
        );
    }
}
