//! Cloud Storage's XML interface, by signed addresses and by tokens.

mod bucket;
mod cors;
mod multipart;
mod objects;
mod sign;

use axum::http::Method;

use super::access::Principal;
use super::billing;
use super::refusal::Refusal;
use super::request::{Answer, Request};
use super::service::bucket_of_host;
use super::world::World;

type Outcome = Result<Answer, Refusal>;

/// What goes into a call.
struct Call<'a> {
    world: &'a mut World,
    request: &'a Request,
    who: Principal,
    bucket: String,
    /// Empty for the bucket itself.
    object: String,
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let (bucket, object) = target(request);
    if request.method == Method::OPTIONS {
        return cors::preflight(world, request, &bucket);
    }
    let answer = route(world, request, &bucket, object).unwrap_or_else(Refusal::into_xml);
    let answer = cors::share(world, request, &bucket, answer);
    if request.method == Method::HEAD && answer.status >= 300 {
        return Answer {
            body: bytes::Bytes::new(),
            ..answer
        };
    }
    answer
}

/// Bucket and object, by the host or by the path.
fn target(request: &Request) -> (String, String) {
    let path = request.segments.join("/");
    if let Some(bucket) = bucket_of_host(&request.host) {
        return (bucket.to_owned(), path);
    }
    match path.split_once('/') {
        Some((bucket, object)) => (bucket.to_owned(), object.to_owned()),
        None => (path, String::new()),
    }
}

fn route(world: &mut World, request: &Request, bucket: &str, object: String) -> Outcome {
    let who = if sign::is_signed(request) {
        Principal::Account(sign::check(world, request)?)
    } else {
        world.caller(request)?.principal
    };
    if bucket.is_empty() {
        return Err(Refusal::not_simulated("a list of buckets in XML"));
    }
    if !world.buckets.contains_key(bucket) {
        return Err(Refusal::no_such_bucket());
    }
    billing::check(world, &who, request, Some(bucket))?;
    let has = |name: &str| request.query.iter().any(|(key, _)| key == name);
    let mut call = Call {
        world,
        request,
        who,
        bucket: bucket.to_owned(),
        object,
    };
    let call = &mut call;
    if call.object.is_empty() {
        return match request.method {
            Method::GET if has("cors") => bucket::cors(call),
            Method::GET if has("uploads") => multipart::list_uploads(call),
            Method::GET => bucket::list(call),
            Method::HEAD => bucket::head(call),
            _ => Err(Refusal::not_simulated("this call for a bucket in XML")),
        };
    }
    match request.method {
        Method::POST if has("uploads") => multipart::start(call),
        Method::POST if has("uploadId") => multipart::complete(call),
        Method::PUT if has("uploadId") => multipart::put_part(call),
        Method::GET if has("uploadId") => multipart::list_parts(call),
        Method::DELETE if has("uploadId") => multipart::abort(call),
        Method::GET | Method::HEAD => objects::get(call),
        Method::PUT => objects::put(call),
        Method::DELETE => objects::delete(call),
        _ => Err(Refusal::not_simulated("this call for an object in XML")),
    }
}
