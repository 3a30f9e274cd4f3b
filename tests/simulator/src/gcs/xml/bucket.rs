//! A bucket as XML sees it: what is in it, and its rules for other origins.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Call, Outcome};
use crate::gcs::access::Resource;
use crate::gcs::bucket::Bucket;
use crate::gcs::clock;
use crate::gcs::object::Object;
use crate::gcs::refusal::{Refusal, escape};
use crate::gcs::request::Answer;

/// The name space of the documents here.
const SPACE: &str = "http://doc.s3.amazonaws.com/2006-03-01";

fn permitted<'a>(call: &'a Call<'_>, permission: &str) -> Result<&'a Bucket, Refusal> {
    let name = &call.bucket;
    call.world
        .require(&call.who, permission, Resource::Bucket(name))?;
    call.world
        .buckets
        .get(name)
        .ok_or_else(Refusal::no_such_bucket)
}

pub(super) fn head(call: &mut Call<'_>) -> Outcome {
    let bucket = permitted(call, "storage.buckets.get")?;
    Ok(Answer::empty(200)
        .with("X-Goog-Metageneration", bucket.metageneration.to_string())
        .with(
            "X-Goog-Bucket-Retention-Enabled",
            (bucket.settings.retention() > 0).to_string(),
        )
        .with("X-Goog-Storage-Class", bucket.settings.storage_class()))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let bucket = permitted(call, "storage.objects.list")?;
    let request = call.request;
    let text = |name: &str| request.parameter(name).unwrap_or_default();
    let prefix = text("prefix");
    let second = request.parameter("list-type") == Some("2");
    let from = if second {
        let starts = [text("continuation-token"), text("start-after")];
        starts.into_iter().max().unwrap_or_default()
    } else {
        text("marker")
    };
    let versions = request.query.iter().any(|(name, _)| name == "versions");
    let most = request.number("max-keys")?.unwrap_or(1000).clamp(1, 1000);
    let most = usize::try_from(most).unwrap_or(1000);
    let mut objects: Vec<&Object> = bucket
        .objects
        .iter()
        .filter(|one| one.is_live() || (versions && !one.is_soft_deleted()))
        .filter(|one| one.name.starts_with(prefix) && one.name.as_str() > from)
        .collect();
    objects.sort_by(|one, other| (&one.name, one.generation).cmp(&(&other.name, other.generation)));
    let page = Page::of(&objects, prefix, text("delimiter"), most);
    let (name, prefix) = (escape(&bucket.name), escape(prefix));
    let mut body = format!("<Name>{name}</Name><Prefix>{prefix}</Prefix>");
    if second {
        let count = page.objects.len() + page.folders.len();
        write!(body, "<KeyCount>{count}</KeyCount>").ok();
    }
    write!(body, "<IsTruncated>{}</IsTruncated>", page.next.is_some()).ok();
    if let Some(next) = page.next {
        let name = if second {
            "NextContinuationToken"
        } else {
            "NextMarker"
        };
        write!(body, "<{name}>{}</{name}>", escape(next)).ok();
    }
    for folder in page.folders {
        let folder = escape(folder);
        write!(
            body,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        )
        .ok();
    }
    body.extend(page.objects.into_iter().map(|one| entry(one, versions)));
    Ok(Answer::xml(
        200,
        &format!("<ListBucketResult xmlns='{SPACE}'>{body}</ListBucketResult>"),
    ))
}

/// A page of a list, and the name after which the next one begins.
struct Page<'a> {
    objects: Vec<&'a Object>,
    folders: BTreeSet<&'a str>,
    next: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(objects: &[&'a Object], prefix: &str, delimiter: &str, most: usize) -> Self {
        let mut page = Self {
            objects: Vec::new(),
            folders: BTreeSet::new(),
            next: None,
        };
        let mut last = "";
        for one in objects {
            let folder = (!delimiter.is_empty())
                .then(|| one.name[prefix.len()..].find(delimiter))
                .flatten()
                .map(|at| &one.name[..prefix.len() + at + delimiter.len()]);
            let known = folder.is_some_and(|folder| page.folders.contains(folder));
            if !known && page.objects.len() + page.folders.len() == most {
                page.next = Some(last);
                break;
            }
            last = &one.name;
            match folder {
                Some(folder) => {
                    page.folders.insert(folder);
                }
                None => page.objects.push(one),
            }
        }
        page
    }
}

fn entry(object: &Object, versions: bool) -> String {
    let (open, close) = match (versions, object.is_live()) {
        (true, live) => (
            format!("<Version><IsLatest>{live}</IsLatest>"),
            "</Version>",
        ),
        (false, _) => ("<Contents>".to_owned(), "</Contents>"),
    };
    format!(
        "{open}<Key>{}</Key><Generation>{}</Generation><MetaGeneration>{}</MetaGeneration>\
         <LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>{close}",
        escape(&object.name),
        object.generation,
        object.metageneration,
        clock::milliseconds(object.updated),
        object.xml_etag(),
        object.data.len()
    )
}

pub(super) fn cors(call: &mut Call<'_>) -> Outcome {
    let bucket = permitted(call, "storage.buckets.get")?;
    let list = |outer: &str, inner: &str, all: &[String]| {
        let all: String = all
            .iter()
            .map(|one| format!("<{inner}>{}</{inner}>", escape(one)))
            .collect();
        if outer.is_empty() {
            all
        } else {
            format!("<{outer}>{all}</{outer}>")
        }
    };
    let rules: String = bucket
        .settings
        .cors()
        .iter()
        .map(|rule| {
            let age = rule
                .max_age
                .map(|age| format!("<MaxAgeSec>{age}</MaxAgeSec>"));
            format!(
                "<Cors>{}{}{}{}</Cors>",
                list("Origins", "Origin", &rule.origins),
                list("Methods", "Method", &rule.methods),
                list("ResponseHeaders", "ResponseHeader", &rule.headers),
                age.unwrap_or_default()
            )
        })
        .collect();
    Ok(Answer::xml(
        200,
        &format!("<CorsConfig>{rules}</CorsConfig>"),
    ))
}
