//! Every request: what it answers, and that nothing a client sends is answered by
//! anything but a diagnostic.

use bytes::Bytes;
use wandb_provider::sdk::codec;
use wandb_provider::sdk::value::{Type, Value};

use crate::message::{
    BUCKET, answer, attributes, block, bucket_type, dynamic, errors, garbage, object, validate,
};
use crate::plugin::wire::attribute_path::step::Selector;
use crate::plugin::{Plugin, Provider, wire};

/// A plugin without TLS, and a client of it.
async fn started() -> (Plugin, Provider) {
    let plugin = Plugin::start(&[]);
    let provider = plugin.provider().await;
    (plugin, provider)
}

/// A bucket of this name with these arguments for its server.
fn bucket(ty: &Type, name: &str, server: Vec<(&str, Value)>) -> Value {
    let block = block(ty, "s3_compatible", server);
    let pairs = vec![("name", Value::string(name)), ("s3_compatible", block)];
    object(ty, pairs)
}

#[tokio::test]
async fn what_is_offered_is_described_twice_alike() {
    let (_plugin, mut provider) = started().await;
    let request = wire::get_provider_schema::Request {};
    let schema = answer(provider.get_schema(request).await);
    let request = wire::get_metadata::Request {};
    let metadata = answer(provider.get_metadata(request).await);
    let mut names: Vec<String> = schema.resource_schemas.keys().cloned().collect();
    names.sort();
    assert_eq!(names, [BUCKET, "wandb_team_storage"]);
    let resources = metadata.resources.into_iter();
    let mut listed: Vec<String> = resources.map(|one| one.type_name).collect();
    listed.sort();
    assert_eq!(listed, names);
    let capabilities = schema.server_capabilities.expect("capabilities");
    assert_eq!(Some(capabilities), metadata.server_capabilities);
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    let request = wire::get_functions::Request {};
    let functions = answer(provider.get_functions(request).await);
    assert_eq!(functions.functions.len(), schema.functions.len());
    let block = schema.resource_schemas[BUCKET]
        .block
        .clone()
        .expect("a block");
    let write_only: Vec<String> = block
        .block_types
        .iter()
        .flat_map(|nested| nested.block.clone().expect("a block").attributes)
        .filter(|attribute| attribute.write_only)
        .map(|attribute| attribute.name)
        .collect();
    assert_eq!(write_only, ["wandb_secret_key_wo"]);
}

/// Sends each request with a name that nobody has, in the field that is named beside it;
/// the requests with their diagnostics.
macro_rules! about_nothing {
    ($provider:ident, $($request:ident: $field:ident),* $(,)?) => {
        [$({
            let request = wire::$request::Request {
                $field: "wandb_nothing".to_owned(),
                ..Default::default()
            };
            (stringify!($request), answer($provider.$request(request).await).diagnostics)
        }),*]
    };
}

#[tokio::test]
async fn unknown_names_are_answered_with_diagnostics() {
    let (_plugin, mut provider) = started().await;
    let answers = about_nothing! {
        provider,
        validate_resource_type_config: type_name,
        upgrade_resource_state: type_name,
        read_resource: type_name,
        plan_resource_change: type_name,
        apply_resource_change: type_name,
        import_resource_state: type_name,
        move_resource_state: target_type_name,
        validate_data_source_config: type_name,
        read_data_source: type_name,
        validate_ephemeral_resource_config: type_name,
        open_ephemeral_resource: type_name,
        renew_ephemeral_resource: type_name,
        close_ephemeral_resource: type_name,
    };
    for (request, diagnostics) in answers {
        let errors = errors(&diagnostics);
        assert_eq!(errors.len(), 1, "{request}: {errors:?}");
        assert!(errors[0].contains("wandb_nothing"), "{request}: {errors:?}");
    }
    let request = wire::call_function::Request {
        name: "nothing".to_owned(),
        arguments: Vec::new(),
    };
    let called = answer(provider.call_function(request).await);
    assert!(called.error.expect("an error").text.contains("nothing"));
}

#[tokio::test]
async fn garbage_is_answered_with_diagnostics() {
    let (_plugin, mut provider) = started().await;
    let diagnostics = validate(&mut provider, garbage(), true).await;
    assert_eq!(errors(&diagnostics).len(), 1);
    let request = wire::configure::Request {
        config: garbage(),
        ..Default::default()
    };
    let configured = answer(provider.configure(request).await);
    assert_eq!(errors(&configured.diagnostics).len(), 1);
    let request = wire::apply_resource_change::Request {
        type_name: BUCKET.to_owned(),
        prior_state: garbage(),
        planned_private: Bytes::from_static(b"x"),
        ..Default::default()
    };
    let applied = answer(provider.apply_resource_change(request).await);
    assert_eq!(errors(&applied.diagnostics).len(), 1);
    // What was there stays, letter by letter.
    assert_eq!(applied.new_state, garbage());
    assert_eq!(applied.private, Bytes::from_static(b"x"));
}

#[tokio::test]
async fn sixty_megabytes_are_no_problem() {
    let (_plugin, mut provider) = started().await;
    let ty = bucket_type();
    let big = Value::string("x".repeat(60 << 20));
    let tags = Value::Map([("big".to_owned(), big)].into());
    let server = block(&ty, "s3_compatible", vec![]);
    let config = object(
        &ty,
        vec![
            ("name", Value::string("Bad_Name")),
            ("tags", tags),
            ("s3_compatible", server),
        ],
    );
    let diagnostics = validate(&mut provider, dynamic(&config, &ty), true).await;
    // A failure does not print megabytes.
    let errors: Vec<String> = errors(&diagnostics)
        .iter()
        .map(|one| one.chars().take(80).collect())
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("Invalid name"));
}

#[tokio::test]
async fn errors_carry_the_path_of_the_argument() {
    let (_plugin, mut provider) = started().await;
    let ty = bucket_type();
    let endpoint = vec![("endpoint", Value::string("ftp://x"))];
    let config = bucket(&ty, "good-name", endpoint);
    let diagnostics = validate(&mut provider, dynamic(&config, &ty), true).await;
    assert_eq!(diagnostics.len(), 1);
    let path = diagnostics[0].attribute.clone().expect("a path");
    let steps: Vec<Option<Selector>> = path.steps.into_iter().map(|step| step.selector).collect();
    assert_eq!(
        steps,
        [
            Some(Selector::AttributeName("s3_compatible".into())),
            Some(Selector::AttributeName("endpoint".into()))
        ]
    );
}

#[tokio::test]
async fn everything_unknown_is_nothing_to_complain_about() {
    let (_plugin, mut provider) = started().await;
    let ty = bucket_type();
    let unknown = |ty: &Type| {
        let names = attributes(ty).keys();
        Value::Map(names.map(|name| (name.clone(), Value::Unknown)).collect())
    };
    let Value::Map(mut config) = unknown(&ty) else {
        panic!("not a map")
    };
    for name in ["s3_compatible", "timeouts"] {
        config.insert(name.to_owned(), unknown(&attributes(&ty)[name]));
    }
    let config = dynamic(&Value::Map(config), &ty);
    let diagnostics = validate(&mut provider, config, true).await;
    assert_eq!(errors(&diagnostics), Vec::<String>::new());
}

#[tokio::test]
async fn write_only_needs_a_client_that_knows_it() {
    let (_plugin, mut provider) = started().await;
    let ty = bucket_type();
    let key = vec![
        ("wandb_access_key", Value::string("k")),
        ("wandb_secret_key_wo", Value::string("hunter2")),
        ("wandb_secret_key_wo_version", Value::Number(1_i64.into())),
    ];
    let config = dynamic(&bucket(&ty, "good-name", key), &ty);
    let diagnostics = validate(&mut provider, config.clone(), true).await;
    assert_eq!(errors(&diagnostics), Vec::<String>::new());
    let errors = errors(&validate(&mut provider, config, false).await);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("Terraform 1.11"), "{errors:?}");
    assert!(!errors[0].contains("hunter2"));
}

#[tokio::test]
async fn a_configuration_in_json_is_read_as_well() {
    let (_plugin, mut provider) = started().await;
    let config = bucket(&bucket_type(), "Bad_Name", Vec::new());
    let json = wire::DynamicValue {
        msgpack: Bytes::new(),
        json: Bytes::from(codec::to_json(&config)),
    };
    let errors = errors(&validate(&mut provider, Some(json), true).await);
    assert!(
        errors.iter().any(|one| one.starts_with("Invalid name")),
        "{errors:?}"
    );
}

/// Asks for the present form of a state that was stored long ago.
async fn upgrade(
    provider: &mut Provider,
    json: &str,
    flatmap: &[(&str, &str)],
) -> wire::upgrade_resource_state::Response {
    let pairs = flatmap
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let request = wire::upgrade_resource_state::Request {
        type_name: BUCKET.to_owned(),
        version: 0,
        raw_state: Some(wire::RawState {
            json: Bytes::from(json.to_owned()),
            flatmap: pairs.collect(),
        }),
    };
    answer(provider.upgrade_resource_state(request).await)
}

#[tokio::test]
async fn a_stored_state_loses_and_gains_attributes_and_flatmap_is_refused() {
    let (_plugin, mut provider) = started().await;
    let upgraded = upgrade(&mut provider, r#"{"name":"x","gone":[1]}"#, &[]).await;
    assert_eq!(errors(&upgraded.diagnostics), Vec::<String>::new());
    let ty = bucket_type();
    let state = upgraded.upgraded_state.expect("a state");
    let state = codec::from_msgpack(&state.msgpack, &ty).expect("a state");
    assert_eq!(state, object(&ty, vec![("name", Value::string("x"))]));
    let old = upgrade(&mut provider, "", &[("name", "x")]).await;
    assert!(errors(&old.diagnostics)[0].contains("before 0.12"));
    let broken = upgrade(&mut provider, "{", &[]).await;
    assert_eq!(errors(&broken.diagnostics).len(), 1);
}

#[tokio::test]
async fn no_type_can_be_moved_here_and_stop_is_answered() {
    let (_plugin, mut provider) = started().await;
    let request = wire::move_resource_state::Request {
        source_type_name: "aws_s3_bucket".to_owned(),
        target_type_name: BUCKET.to_owned(),
        source_state: Some(wire::RawState {
            json: Bytes::from_static(b"{}"),
            flatmap: Default::default(),
        }),
        ..Default::default()
    };
    let moved = answer(provider.move_resource_state(request).await);
    assert!(errors(&moved.diagnostics)[0].contains("cannot take over a aws_s3_bucket"));
    let stopped = answer(provider.stop(wire::stop::Request {}).await);
    assert_eq!(stopped.error, "");
}

#[tokio::test]
async fn before_it_is_configured_nothing_crashes() {
    let (_plugin, mut provider) = started().await;
    let ty = bucket_type();
    let state = dynamic(&object(&ty, vec![("name", Value::string("x"))]), &ty);
    let request = wire::read_resource::Request {
        type_name: BUCKET.to_owned(),
        current_state: state.clone(),
        ..Default::default()
    };
    let read = answer(provider.read_resource(request).await);
    assert_eq!(errors(&read.diagnostics).len(), 1);
    assert_eq!(read.new_state, state);
}
