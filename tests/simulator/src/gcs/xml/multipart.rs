//! Uploads in parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;

use super::objects::{metadata, written};
use super::{Call, Outcome};
use crate::gcs::access::Resource;
use crate::gcs::bucket::Upload;
use crate::gcs::clock;
use crate::gcs::crypto::{base64, crc32c, hex, md5, random_hex};
use crate::gcs::names;
use crate::gcs::object::Conditions;
use crate::gcs::refusal::{Refusal, escape};
use crate::gcs::request::Answer;
use crate::gcs::store::{NewObject, check_sums, may_write, store};

/// The name space of the documents here, which is not that of lists of objects.
const SPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Each part but the last has at least as many bytes.
const SMALLEST: usize = 5 << 20;

fn require(call: &Call<'_>, permission: &str) -> Result<(), Refusal> {
    let what = Resource::Object(&call.bucket, &call.object);
    call.world.require(&call.who, permission, what)
}

/// The open upload that the address names.
fn open<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Upload, Refusal> {
    let id = call.request.parameter("uploadId").unwrap_or_default();
    let name = call.object.clone();
    let bucket = call.world.buckets.get_mut(&call.bucket);
    let bucket = bucket.ok_or_else(Refusal::no_such_bucket)?;
    bucket
        .uploads
        .iter_mut()
        .find(|one| one.id == id && one.name == name)
        .ok_or_else(|| {
            Refusal::not_found("").coded(
                "NoSuchUpload",
                "The requested upload was not found. The upload ID may be invalid, or the upload \
                 may have been aborted or completed.",
            )
        })
}

pub(super) fn start(call: &mut Call<'_>) -> Outcome {
    require(call, "storage.multipartUploads.create")?;
    require(call, "storage.objects.create")?;
    names::check_object(&call.object)?;
    let said = metadata(call.request);
    let upload = Upload {
        id: format!("ABPnzm{}", random_hex(48)),
        name: call.object.clone(),
        said: said.as_object().cloned().unwrap_or_default(),
        parts: BTreeMap::new(),
        started: call.world.now(),
        owner: call.who.clone(),
    };
    let body = format!(
        "<InitiateMultipartUploadResult xmlns='{SPACE}'><Bucket>{}</Bucket><Key>{}</Key>\
         <UploadId>{}</UploadId></InitiateMultipartUploadResult>",
        call.bucket,
        escape(&upload.name),
        upload.id
    );
    let bucket = call.world.buckets.get_mut(&call.bucket);
    bucket
        .ok_or_else(Refusal::no_such_bucket)?
        .uploads
        .push(upload);
    Ok(Answer::xml(200, &body))
}

pub(super) fn put_part(call: &mut Call<'_>) -> Outcome {
    require(call, "storage.multipartUploads.create")?;
    require(call, "storage.objects.create")?;
    let number = call.request.number("partNumber")?;
    let number = number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| Refusal::invalid("The part number must be between 1 and 10000."))?;
    let data = call.request.body.clone();
    let (sum, crc) = (md5(&data), base64(&crc32c(&data)));
    let md5 = base64(&sum);
    check_sums(&metadata(call.request), &data)?;
    let now = call.world.now();
    open(call)?.parts.insert(number, (data, now));
    Ok(Answer::empty(200)
        .with("ETag", format!("\"{}\"", hex(&sum)))
        .with("X-Goog-Hash", format!("crc32c={crc},md5={md5}")))
}

/// What stands between an element's marks, for each time that it stands there.
fn elements<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    text.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(content, _)| content)
        .collect()
}

pub(super) fn complete(call: &mut Call<'_>) -> Outcome {
    require(call, "storage.multipartUploads.create")?;
    let malformed = || {
        Refusal::invalid("").coded(
            "MalformedCompleteMultipartUploadRequest",
            "The body of the request is not well-formed.",
        )
    };
    let text = std::str::from_utf8(&call.request.body)
        .map_err(|_| malformed())?
        .to_owned();
    let mut parts: Vec<(u32, String)> = Vec::new();
    for part in elements(&text, "Part") {
        let number = elements(part, "PartNumber")
            .first()
            .and_then(|number| number.trim().parse().ok());
        let tag = elements(part, "ETag")
            .first()
            .map(|tag| tag.replace("&quot;", ""));
        let (Some(number), Some(tag)) = (number, tag) else {
            return Err(malformed());
        };
        parts.push((number, tag.trim().trim_matches('"').to_owned()));
    }
    if parts.is_empty() {
        return Err(malformed());
    }
    if !parts.is_sorted_by(|one, next| one.0 < next.0) {
        return Err(Refusal::invalid("").coded(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. The parts list must be specified in \
             order by part number.",
        ));
    }
    let upload = open(call)?.clone();
    let mut data = Vec::new();
    for (place, (number, tag)) in parts.iter().enumerate() {
        let part = upload
            .parts
            .get(number)
            .filter(|(part, _)| hex(&md5(part)) == *tag);
        let (part, _) = part.ok_or_else(|| {
            Refusal::invalid("").coded(
                "InvalidPart",
                "One or more of the specified parts could not be found. The part might not have \
                 been uploaded, or the specified entity tag might not have matched the part's \
                 entity tag.",
            )
        })?;
        if part.len() < SMALLEST && place + 1 < parts.len() {
            return Err(Refusal::invalid("").coded(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed object size.",
            ));
        }
        data.extend_from_slice(part);
    }
    finish(call, &upload, data, parts.len())
}

fn finish(call: &mut Call<'_>, upload: &Upload, data: Vec<u8>, count: usize) -> Outcome {
    let conditions = Conditions::of_headers(call.request);
    may_write(
        call.world,
        &call.who,
        &call.bucket,
        &call.object,
        &conditions,
    )?;
    let new = NewObject {
        name: upload.name.clone(),
        metadata: upload.said.clone().into(),
        data: Bytes::from(data),
        components: Some(count),
        owner: upload.owner.clone(),
    };
    // What is refused now leaves the upload open.
    let object = store(call.world, &call.bucket, new)?;
    if let Some(bucket) = call.world.buckets.get_mut(&call.bucket) {
        bucket.uploads.retain(|one| one.id != upload.id);
    }
    let body = format!(
        "<CompleteMultipartUploadResult xmlns='{SPACE}'><Location>{}/{}/{}</Location>\
         <Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag></CompleteMultipartUploadResult>",
        call.world.url,
        call.bucket,
        crate::gcs::object::encode(&upload.name),
        call.bucket,
        escape(&upload.name),
        object.xml_etag()
    );
    Ok(written(Answer::xml(200, &body), &object))
}

pub(super) fn abort(call: &mut Call<'_>) -> Outcome {
    require(call, "storage.multipartUploads.abort")?;
    let id = open(call)?.id.clone();
    if let Some(bucket) = call.world.buckets.get_mut(&call.bucket) {
        bucket.uploads.retain(|one| one.id != id);
    }
    Ok(Answer::empty(204))
}

pub(super) fn list_parts(call: &mut Call<'_>) -> Outcome {
    require(call, "storage.multipartUploads.listParts")?;
    let bucket = call.bucket.clone();
    let upload = open(call)?;
    let mut body = format!(
        "<Bucket>{bucket}</Bucket><Key>{}</Key><UploadId>{}</UploadId>\
         <StorageClass>STANDARD</StorageClass><MaxParts>1000</MaxParts>\
         <IsTruncated>false</IsTruncated>",
        escape(&upload.name),
        upload.id
    );
    for (number, (data, time)) in &upload.parts {
        write!(
            body,
            "<Part><PartNumber>{number}</PartNumber><LastModified>{}</LastModified>\
             <ETag>\"{}\"</ETag><Size>{}</Size></Part>",
            clock::milliseconds(*time),
            hex(&md5(data)),
            data.len()
        )
        .ok();
    }
    Ok(Answer::xml(
        200,
        &format!("<ListPartsResult xmlns='{SPACE}'>{body}</ListPartsResult>"),
    ))
}

pub(super) fn list_uploads(call: &mut Call<'_>) -> Outcome {
    let name = call.bucket.clone();
    let what = Resource::Bucket(&name);
    call.world
        .require(&call.who, "storage.multipartUploads.list", what)?;
    let request = call.request;
    let text = |name: &str| request.parameter(name).unwrap_or_default();
    let (prefix, marker) = (
        text("prefix"),
        (text("key-marker"), text("upload-id-marker")),
    );
    let most = request
        .number("max-uploads")?
        .unwrap_or(1000)
        .clamp(1, 1000);
    let most = usize::try_from(most).unwrap_or(1000);
    let bucket = call
        .world
        .buckets
        .get(&name)
        .ok_or_else(Refusal::no_such_bucket)?;
    let mut uploads: Vec<&Upload> = bucket
        .uploads
        .iter()
        .filter(|one| one.name.starts_with(prefix))
        .filter(|one| {
            let after = (one.name.as_str(), one.id.as_str());
            marker.0.is_empty() || after > marker && !(marker.1.is_empty() && one.name == marker.0)
        })
        .collect();
    uploads.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let truncated = uploads.len() > most;
    uploads.truncate(most);
    let mut body = format!(
        "<Bucket>{name}</Bucket><KeyMarker>{}</KeyMarker><MaxUploads>{most}</MaxUploads>\
         <IsTruncated>{truncated}</IsTruncated>",
        escape(marker.0)
    );
    if let Some(last) = uploads.last().filter(|_| truncated) {
        write!(
            body,
            "<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{}</NextUploadIdMarker>",
            escape(&last.name),
            last.id
        )
        .ok();
    }
    body.extend(uploads.into_iter().map(entry));
    Ok(Answer::xml(
        200,
        &format!("<ListMultipartUploadsResult xmlns='{SPACE}'>{body}</ListMultipartUploadsResult>"),
    ))
}

fn entry(upload: &Upload) -> String {
    format!(
        "<Upload><Key>{}</Key><UploadId>{}</UploadId><StorageClass>STANDARD</StorageClass>\
         <Initiated>{}</Initiated></Upload>",
        escape(&upload.name),
        upload.id,
        clock::milliseconds(upload.started)
    )
}
