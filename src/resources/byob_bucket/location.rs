//! Where a bucket is: its import id, its block with what the provider and the state add to
//! it, and the way in.

use std::sync::Arc;

use super::private::OPEN;
use super::schema::Bucket;
use crate::byob::marker::{Generation, Marker};
use crate::byob::{Cloud, CloudKind};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::value::Value;
use crate::terraform::account::{Account, BlockSources, ResolvedBlock};
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// The block of a bucket as it was written in `given`, resolved. `config` is what the user
/// wrote, where it is at hand.
///
/// # Errors
/// What is missing or does not fit. `Ok(None)` when the block is not known at all.
pub async fn resolve(
    bucket: &Bucket,
    given: &Bucket,
    config: Option<&Bucket>,
    prior: Option<&Bucket>,
    configuration: &Configuration,
) -> Result<Option<Arc<dyn ResolvedBlock>>, Diagnostics> {
    let (Some((kind, planned)), Some(given)) = (bucket.block(), given.known_block()) else {
        return Ok(None);
    };
    let account = configuration
        .account(kind)
        .ok_or_else(|| Explanation::new("The bucket's cloud is not known", kind.title()).error())?;
    let prior = prior
        .and_then(Bucket::block)
        .filter(|(before, _)| *before == kind)
        .map(|(_, block)| block);
    let sources = BlockSources {
        given,
        planned,
        prior,
        deployment: &configuration.deployment,
        scope: &bucket.scope,
    };
    let config = config.and_then(Bucket::known_block);
    account.resolve(sources, config).await.map(Some)
}

/// Opens a bucket's cloud for this operation.
pub fn connect(
    cx: &Context,
    block: &dyn ResolvedBlock,
    summary: &str,
) -> Result<Arc<dyn Cloud>, Diagnostic> {
    match block.connector().known() {
        Some(connector) => connector
            .open(cx.stop())
            .map_err(|error| Explanation::cloud(summary, error).error()),
        None => Err(unknown(summary, block.kind())),
    }
}

/// The cloud and the block of a bucket that is planned or in the state.
pub async fn open(
    cx: &Context,
    bucket: &Bucket,
    config: Option<&Bucket>,
    configuration: &Configuration,
    summary: &str,
) -> Result<(Arc<dyn Cloud>, Arc<dyn ResolvedBlock>), Diagnostics> {
    let block = resolve(bucket, bucket, config, None, configuration)
        .await?
        .ok_or_else(|| Explanation::new(summary, "the state names no cloud").error())?;
    let cloud = connect(cx, block.as_ref(), summary)?;
    Ok((cloud, block))
}

fn unknown(summary: &str, kind: CloudKind) -> Diagnostic {
    Explanation::new(
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

/// The block of a bucket in the state, resolved. An argument that the configuration has left
/// to the provider's block is the provider's now, not what it was at the last apply.
pub async fn resolve_state(
    state: &Bucket,
    private: &Private,
    configuration: &Configuration,
) -> Result<Option<Arc<dyn ResolvedBlock>>, Diagnostics> {
    let mut given = state.clone();
    if let Some((kind, Value::Map(block))) = state.block() {
        let mut block = block.clone();
        for argument in open_arguments(private) {
            block.insert(argument.to_owned(), Value::Null);
        }
        given.set_block(kind, Value::Map(block));
    }
    resolve(state, &given, None, None, configuration).await
}

/// The cloud and the block of a bucket in the state, which is where it was, or has come along.
pub async fn open_state(
    cx: &Context,
    state: &Bucket,
    private: &Private,
    configuration: &Configuration,
    summary: &str,
) -> Result<(Arc<dyn Cloud>, Arc<dyn ResolvedBlock>), Diagnostics> {
    let block = resolve_state(state, private, configuration)
        .await?
        .ok_or_else(|| Explanation::new(summary, "the state names no cloud").error())?;
    let cloud = connect(cx, block.as_ref(), summary)?;
    confirm(cx, state, block.as_ref(), &cloud).await?;
    Ok((cloud, block))
}

fn open_arguments(private: &Private) -> impl Iterator<Item = &str> {
    let list = private.get(OPEN).and_then(|list| list.as_array());
    list.into_iter().flatten().filter_map(|one| one.as_str())
}

/// Remembers which arguments the configuration leaves to the provider's block.
pub fn note_open(private: &mut Private, config: &Bucket, configuration: &Configuration) {
    private.remove(OPEN);
    let Some((kind, block)) = config.block() else {
        return;
    };
    let account = configuration.account(kind);
    let open: Vec<&str> = account
        .iter()
        .flat_map(|account| account.follows_provider())
        .copied()
        .filter(|argument| block.attribute(argument).is_null())
        .collect();
    if !open.is_empty() {
        private.set(OPEN, open);
    }
}

/// Remembers of an import that its arguments are the provider's: no block was at hand.
pub fn note_all_open(private: &mut Private, account: &dyn Account) {
    if !account.follows_provider().is_empty() {
        private.set(OPEN, account.follows_provider().to_vec());
    }
}

/// The location that an id names.
fn location_of(state: &Bucket, kind: CloudKind) -> Option<&str> {
    let name = state.name.known().map_or("", String::as_str);
    let prefix = format!("{}/", kind.block());
    let rest = state.id.known()?.strip_prefix(&prefix)?;
    rest.strip_suffix(name)
        .map(|location| location.trim_end_matches('/'))
}

/// The bucket has to be where the state knows it. Where its block leads elsewhere, it is looked
/// for there: a server may have got another name or port, and then the marker is on it.
pub async fn confirm(
    cx: &Context,
    state: &Bucket,
    block: &dyn ResolvedBlock,
    cloud: &Arc<dyn Cloud>,
) -> Result<(), Diagnostic> {
    let kind = block.kind();
    let (Some(before), Some(now)) = (location_of(state, kind), block.location().known()) else {
        return Ok(());
    };
    if before == now {
        return Ok(());
    }
    let summary = "The provider looks at another place than the one that the bucket is in";
    let name = state.name.known().map_or("", String::as_str);
    let explain = |explanation: Explanation| {
        explanation
            .left_behind("the state as it was")
            .what_to_do(
                "Set the block back; a bucket cannot move. If the server has another address now, \
                 check that the bucket is there, with its tags.",
            )
            .at(Path::of(kind.block()))
            .timed(cx)
            .error()
    };
    let seen = cloud.look(name).await;
    let seen = seen.map_err(|error| explain(Explanation::cloud(summary, error)))?;
    let found = seen.and_then(|sighting| sighting.marker);
    let ours = state.generation.known().map(String::as_str);
    // An apply that was killed may have given it another generation since.
    let names_it = |marker: Marker| {
        let mut all = marker.generations().into_iter();
        all.any(|one| one != Generation::nobodys() && Some(one.as_str()) == ours)
    };
    if found.is_some_and(names_it) {
        return Ok(());
    }
    let why = format!(
        "the bucket is at {before}, the {} block leads to {now}, and this bucket is not there",
        kind.block()
    );
    Err(explain(Explanation::new(summary, why)))
}

/// The import id of the bucket called `name`.
pub fn id(block: &dyn ResolvedBlock, name: &str) -> Field<String> {
    let kind = block.kind().block();
    block.location().as_ref().map(|location| {
        if location.is_empty() {
            format!("{kind}/{name}")
        } else {
            format!("{kind}/{location}/{name}")
        }
    })
}

/// An import id in its parts.
#[derive(Debug)]
pub struct ImportId<'a> {
    /// The cloud's account.
    pub account: Arc<dyn Account>,
    /// What stands between the cloud and the name.
    pub location: &'a str,
    /// The bucket's name.
    pub name: &'a str,
}

/// Reads an import id; an error says which forms there are.
pub fn parse_id<'a>(id: &'a str, configuration: &Configuration) -> Result<ImportId<'a>, String> {
    let (cloud, rest) = id.split_once('/').unwrap_or((id, ""));
    let account = configuration
        .accounts
        .iter()
        .find(|account| account.kind().block() == cloud);
    let Some(account) = account else {
        let forms: Vec<String> = configuration.accounts.iter().map(form).collect();
        return Err(format!("the ids of buckets are {}", forms.join(", ")));
    };
    let Some((location, name)) = split(rest, account.location().len()) else {
        return Err(format!("the id of such a bucket is {}", form(account)));
    };
    Ok(ImportId {
        account: Arc::clone(account),
        location,
        name,
    })
}

/// Location and name of what follows the cloud in an import id, if the location has so many
/// parts and none is empty.
fn split(rest: &str, parts: usize) -> Option<(&str, &str)> {
    let (location, name) = match parts {
        0 => ("", rest),
        _ => rest.rsplit_once('/')?,
    };
    let whole = parts == 0 || location.split('/').filter(|part| !part.is_empty()).count() == parts;
    let plain = location.matches('/').count() + 1 == parts.max(1) && !name.contains('/');
    (whole && plain && !name.is_empty()).then_some((location, name))
}

/// The form of a cloud's import ids.
fn form(account: &Arc<dyn Account>) -> String {
    let location = account.location().iter();
    let parts: Vec<String> = location
        .chain(["name"].iter())
        .map(|part| format!("<{part}>"))
        .collect();
    format!("{}/{}", account.kind().block(), parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_import_id_has_the_parts_of_its_cloud() {
        for (rest, parts, expected) in [
            ("127.0.0.1:9000/acme", 1, Some(("127.0.0.1:9000", "acme"))),
            (
                "sub/group/account/box",
                3,
                Some(("sub/group/account", "box")),
            ),
            ("acme", 0, Some(("", "acme"))),
            ("", 0, None),
            ("acme", 1, None),
            ("h/", 1, None),
            ("/x", 1, None),
            ("h/x/y", 1, None),
            ("group/account/box", 3, None),
            ("sub//account/box", 3, None),
            ("h/x", 0, None),
        ] {
            assert_eq!(split(rest, parts), expected, "{rest} {parts}");
        }
    }
}
