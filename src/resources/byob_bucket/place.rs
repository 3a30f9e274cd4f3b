//! Where a bucket lives: what the resource's block says, the provider's defaults, and
//! what the state remembers.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::schema::{Bucket, S3Compatible};
use crate::byob::Cloud;
use crate::byob::cloud::CloudKind;
use crate::resources::environment::{AdminApi, Configuration, S3Place};
use crate::resources::trouble::Trouble;
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::Field;

/// The region where nothing names one.
pub const DEFAULT_REGION: &str = "us-east-1";

/// The path of an argument of the cloud's block.
pub fn argument(name: &str) -> Path {
    Path::of("s3_compatible").attribute(name)
}

/// The first of the two that is set; unknown hides what comes after it.
fn first<T: Clone>(own: &Field<T>, default: &Field<T>) -> Field<T> {
    if own.is_null() {
        default.clone()
    } else {
        own.clone()
    }
}

/// Everything about the place that can be said now.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    /// Scheme, host and port.
    pub endpoint: Field<String>,
    /// The region.
    pub region: Field<String>,
    /// The place with its credentials; unknown while any part is.
    pub place: Field<S3Place>,
}

/// Why there is no place.
#[derive(Clone, Debug)]
pub struct Missing {
    argument: &'static str,
    variable: &'static str,
}

impl Missing {
    /// As an error.
    pub fn error(&self, summary: &str) -> Diagnostic {
        Trouble::new(summary, format!("no {} is set", self.argument))
            .what_to_do(format!(
                "Set {} in the provider's s3_compatible block, or {} in the environment.",
                self.argument, self.variable
            ))
            .at(argument(self.argument))
            .error()
    }
}

/// The place of a bucket whose block is `block`, whose state (if any) is `prior`.
///
/// Absent endpoint and region keep the state's value, so that a new default of the
/// provider moves no bucket.
pub fn whereabouts(
    block: &S3Compatible,
    prior: Option<&Bucket>,
    configuration: &Configuration,
) -> Result<Whereabouts, Missing> {
    let defaults = &configuration.s3;
    let before = prior.and_then(|bucket| bucket.s3_compatible.known());
    let kept =
        |own: &Field<String>, of: fn(&S3Compatible) -> &Field<String>, default: &Field<String>| {
            let before = before.map_or(Field::Null, |block| of(block).clone());
            first(own, &first(&before, default))
        };
    // What a plan calls unknown is what the configuration leaves open.
    let open = |field: &Field<String>, given: bool| if given { field.clone() } else { Field::Null };
    let endpoint = kept(
        &open(&block.endpoint, true),
        |block| &block.endpoint,
        &defaults.endpoint,
    );
    let region = match kept(&block.region, |block| &block.region, &defaults.region) {
        Field::Null => Field::Known(DEFAULT_REGION.to_owned()),
        region => region,
    };
    let access_key = first(&block.access_key, &defaults.access_key);
    let secret_key = first(&block.secret_key, &defaults.secret_key);
    let path_style = first(&block.path_style, &defaults.path_style);
    let ca_bundle = first(&block.ca_bundle, &defaults.ca_bundle);
    for (is_null, argument, variable) in [
        (endpoint.is_null(), "endpoint", "AWS_ENDPOINT_URL_S3"),
        (access_key.is_null(), "access_key", "AWS_ACCESS_KEY_ID"),
        (secret_key.is_null(), "secret_key", "AWS_SECRET_ACCESS_KEY"),
    ] {
        if is_null {
            return Err(Missing { argument, variable });
        }
    }
    let place = match (
        endpoint.known(),
        region.known(),
        access_key.known(),
        secret_key.known(),
    ) {
        (Some(endpoint), Some(region), Some(access_key), Some(secret_key))
            if !path_style.is_unknown() && !ca_bundle.is_unknown() =>
        {
            Url::parse(endpoint).map_or(Field::Unknown, |endpoint| {
                Field::Known(S3Place {
                    endpoint,
                    region: region.clone(),
                    access_key: access_key.clone(),
                    secret_key: secret_key.clone(),
                    path_style: path_style.into_known().unwrap_or(true),
                    ca_bundle: ca_bundle.into_known(),
                    admin_api: block
                        .admin_api
                        .known()
                        .and_then(|name| AdminApi::parse(name))
                        .unwrap_or_default(),
                })
            })
        }
        _ => Field::Unknown,
    };
    Ok(Whereabouts {
        endpoint,
        region,
        place,
    })
}

/// Opens the cloud of a bucket that is in the state.
pub fn open(
    bucket: &Bucket,
    configuration: &Configuration,
    stop: &CancellationToken,
    summary: &str,
) -> Result<(Arc<dyn Cloud>, S3Place), Diagnostic> {
    let block = bucket
        .s3_compatible
        .known()
        .ok_or_else(|| Trouble::new(summary, "the state names no cloud").error())?;
    let place = whereabouts(block, None, configuration)
        .map_err(|missing| missing.error(summary))?
        .place
        .into_known()
        .ok_or_else(|| unknown(summary))?;
    let cloud = configuration
        .doors
        .s3_compatible(&place, stop)
        .map_err(|error| Trouble::cloud(summary, error).error())?;
    Ok((cloud, place))
}

fn unknown(summary: &str) -> Diagnostic {
    Trouble::new(
        summary,
        "an argument of the s3_compatible block is not known before something else is applied",
    )
    .what_to_do("Apply what it depends on first, for example with -target.")
    .at(Path::of("s3_compatible"))
    .error()
}

/// The import id of a bucket.
pub fn id(authority: &str, name: &str) -> String {
    format!("{}/{authority}/{name}", CloudKind::S3Compatible.block())
}

/// Host with port, and name, of an import id.
pub fn parse_id(id: &str) -> Option<(&str, &str)> {
    let mut parts = id.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("s3_compatible"), Some(authority), Some(name), None)
            if !authority.is_empty() && !name.is_empty() =>
        {
            Some((authority, name))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let id = id("127.0.0.1:9000", "acme");
        assert_eq!(id, "s3_compatible/127.0.0.1:9000/acme");
        assert_eq!(parse_id(&id), Some(("127.0.0.1:9000", "acme")));
        for wrong in [
            "",
            "acme",
            "aws/us-east-1/acme",
            "s3_compatible/h",
            "s3_compatible//x",
            "s3_compatible/h/x/y",
        ] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }
}
