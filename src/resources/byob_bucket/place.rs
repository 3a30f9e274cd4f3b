//! Where a bucket lives: its cloud, what its block says, and what the provider and the
//! state add to that.

use std::sync::Arc;

use super::schema::Bucket;
use crate::byob::Cloud;
use crate::byob::cloud::CloudKind;
use crate::resources::account::{About, Account, Blocks, Resolved};
use crate::resources::environment::Configuration;
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::value::Value;

/// A bucket's cloud in the provider block, with the bucket's own block resolved.
#[derive(Clone, Debug)]
pub struct Site {
    /// The cloud.
    pub account: Arc<dyn Account>,
    /// What is known about the place.
    pub resolved: Resolved,
}

impl Site {
    /// The block as it is planned or stored.
    pub fn block(&self) -> &Value {
        &self.resolved.block
    }

    /// The import id of the bucket called `name`.
    pub fn id(&self, name: &str) -> Field<String> {
        let kind = self.account.kind();
        self.resolved
            .location
            .as_ref()
            .map(|location| id(kind, location, name))
    }

    /// Opens the cloud for this operation.
    pub fn open(&self, cx: &Context, summary: &str) -> Result<Arc<dyn Cloud>, Diagnostic> {
        match self.resolved.place.known() {
            Some(place) => place
                .open(cx.stop())
                .map_err(|error| Trouble::cloud(summary, error).error()),
            None => Err(unknown(summary, self.account.kind())),
        }
    }
}

/// The site of a bucket whose block was written as in `given`.
///
/// # Errors
/// What is missing or does not fit. `Ok(None)` when the block is not known at all.
pub async fn site(
    bucket: &Bucket,
    given: &Bucket,
    prior: Option<&Bucket>,
    configuration: &Configuration,
) -> Result<Option<Site>, Diagnostics> {
    let (Some((kind, planned)), Some(given)) = (bucket.block(), given.known_block()) else {
        return Ok(None);
    };
    let account = configuration
        .account(kind)
        .ok_or_else(|| Trouble::new("The bucket's cloud is not known", kind.title()).error())?;
    let prior = prior
        .and_then(Bucket::block)
        .filter(|(before, _)| *before == kind)
        .map(|(_, block)| block);
    let blocks = Blocks {
        given,
        planned,
        prior,
        deployment: &configuration.deployment,
    };
    let resolved = account.resolve(blocks).await?;
    Ok(Some(Site { account, resolved }))
}

/// The site of a bucket that is in the state, and its cloud.
pub async fn open(
    cx: &Context,
    bucket: &Bucket,
    configuration: &Configuration,
    summary: &str,
) -> Result<(Arc<dyn Cloud>, Site), Diagnostics> {
    let site = site(bucket, bucket, None, configuration)
        .await?
        .ok_or_else(|| Trouble::new(summary, "the state names no cloud").error())?;
    let cloud = site.open(cx, summary)?;
    Ok((cloud, site))
}

fn unknown(summary: &str, kind: CloudKind) -> Diagnostic {
    Trouble::new(
        summary,
        format!(
            "an argument of the {} block is not known before something else is applied",
            kind.block()
        ),
    )
    .what_to_do("Apply what it depends on first, for example with -target.")
    .at(Path::of(kind.block()))
    .error()
}

/// What a bucket is called and where W&B's part of it is; `None` while that is not known.
pub fn about<'a>(
    bucket: &'a Bucket,
    generation: Option<&'a crate::byob::Generation>,
    tags: &'a std::collections::BTreeMap<String, String>,
) -> Option<About<'a>> {
    if bucket.path.is_unknown() {
        return None;
    }
    Some(About {
        name: bucket.name.known()?,
        path: bucket.path.known().map(String::as_str),
        generation,
        tags,
    })
}

/// The import id of a bucket.
pub fn id(kind: CloudKind, location: &str, name: &str) -> String {
    if location.is_empty() {
        format!("{}/{name}", kind.block())
    } else {
        format!("{}/{location}/{name}", kind.block())
    }
}

/// Cloud, location and name of an import id.
pub fn parse_id(id: &str) -> Option<(CloudKind, &str, &str)> {
    let (cloud, rest) = id.split_once('/')?;
    let kind = CloudKind::ALL
        .into_iter()
        .find(|kind| kind.block() == cloud)?;
    let (location, name) = rest.rsplit_once('/').unwrap_or(("", rest));
    let parts = location.split('/').count();
    let wanted = match kind {
        CloudKind::Azure => 3,
        CloudKind::Aws | CloudKind::Gcp | CloudKind::S3Compatible => 1,
        CloudKind::CoreWeave => {
            return (location.is_empty() && !name.is_empty()).then_some((kind, "", name));
        }
    };
    let is_whole = parts == wanted && location.split('/').all(|part| !part.is_empty());
    (is_whole && !name.is_empty()).then_some((kind, location, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        for (kind, location, name, expected) in [
            (
                CloudKind::S3Compatible,
                "127.0.0.1:9000",
                "acme",
                "s3_compatible/127.0.0.1:9000/acme",
            ),
            (CloudKind::Aws, "eu-west-1", "acme", "aws/eu-west-1/acme"),
            (
                CloudKind::Azure,
                "sub/group/account",
                "box",
                "azure/sub/group/account/box",
            ),
            (CloudKind::CoreWeave, "", "acme", "coreweave/acme"),
        ] {
            let id = id(kind, location, name);
            assert_eq!(id, expected);
            assert_eq!(parse_id(&id), Some((kind, location, name)));
        }
        for wrong in [
            "",
            "acme",
            "aws/acme",
            "s3_compatible/h",
            "s3_compatible//x",
            "s3_compatible/h/x/y",
            "azure/group/account/box",
            "elsewhere/h/x",
        ] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }
}
