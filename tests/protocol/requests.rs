//! Every request: what it answers, and that nothing a client sends is answered by
//! anything but a diagnostic.

use bytes::Bytes;
use wandb_provider::sdk::codec;
use wandb_provider::sdk::value::{Type, Value};

use crate::message::{BUCKET, block, bucket_type, dynamic, errors, garbage, object, validate};
use crate::plugin::{Plugin, wire};

#[tokio::test]
async fn what_is_offered_is_told_twice_alike() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let schema = provider
        .get_schema(wire::get_provider_schema::Request {})
        .await
        .expect("an answer")
        .into_inner();
    let metadata = provider
        .get_metadata(wire::get_metadata::Request {})
        .await
        .expect("an answer")
        .into_inner();
    let mut names: Vec<String> = schema.resource_schemas.keys().cloned().collect();
    names.sort();
    assert_eq!(names, [BUCKET, "wandb_team_storage"]);
    let mut told: Vec<String> = metadata
        .resources
        .into_iter()
        .map(|one| one.type_name)
        .collect();
    told.sort();
    assert_eq!(told, names);
    let capabilities = schema.server_capabilities.expect("capabilities");
    assert_eq!(Some(capabilities), metadata.server_capabilities);
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    let functions = provider
        .get_functions(wire::get_functions::Request {})
        .await
        .expect("an answer")
        .into_inner();
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

#[tokio::test]
async fn unknown_names_are_answered_with_diagnostics() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let name = "wandb_nothing".to_owned();
    let validated = provider
        .validate_resource_type_config(wire::validate_resource_type_config::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let upgraded = provider
        .upgrade_resource_state(wire::upgrade_resource_state::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let read = provider
        .read_resource(wire::read_resource::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let planned = provider
        .plan_resource_change(wire::plan_resource_change::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let applied = provider
        .apply_resource_change(wire::apply_resource_change::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let imported = provider
        .import_resource_state(wire::import_resource_state::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let moved = provider
        .move_resource_state(wire::move_resource_state::Request {
            target_type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let checked = provider
        .validate_data_source_config(wire::validate_data_source_config::Request {
            type_name: name.clone(),
            config: None,
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let looked = provider
        .read_data_source(wire::read_data_source::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let ephemeral = provider
        .validate_ephemeral_resource_config(wire::validate_ephemeral_resource_config::Request {
            type_name: name.clone(),
            config: None,
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let opened = provider
        .open_ephemeral_resource(wire::open_ephemeral_resource::Request {
            type_name: name.clone(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let renewed = provider
        .renew_ephemeral_resource(wire::renew_ephemeral_resource::Request {
            type_name: name.clone(),
            private: None,
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    let closed = provider
        .close_ephemeral_resource(wire::close_ephemeral_resource::Request {
            type_name: name.clone(),
            private: None,
        })
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics;
    for diagnostics in [
        validated, upgraded, read, planned, applied, imported, moved, checked, looked, ephemeral,
        opened, renewed, closed,
    ] {
        let told = errors(&diagnostics);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("wandb_nothing"), "{told:?}");
    }
    let called = provider
        .call_function(wire::call_function::Request {
            name: "nothing".to_owned(),
            arguments: Vec::new(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert!(called.error.expect("an error").text.contains("nothing"));
}

#[tokio::test]
async fn garbage_is_answered_with_diagnostics() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    assert_eq!(
        errors(&validate(&mut provider, garbage(), true).await).len(),
        1
    );
    let configured = provider
        .configure(wire::configure::Request {
            config: garbage(),
            ..Default::default()
        })
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(errors(&configured.diagnostics).len(), 1);
    let request = wire::apply_resource_change::Request {
        type_name: BUCKET.to_owned(),
        prior_state: garbage(),
        planned_private: Bytes::from_static(b"x"),
        ..Default::default()
    };
    let applied = provider
        .apply_resource_change(request)
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(errors(&applied.diagnostics).len(), 1);
    // What was there stays, letter by letter.
    assert_eq!(applied.new_state, garbage());
    assert_eq!(applied.private, Bytes::from_static(b"x"));
}

#[tokio::test]
async fn sixty_megabytes_are_no_problem() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let tags = Value::Map(std::collections::BTreeMap::from([(
        "big".to_owned(),
        Value::string("x".repeat(60 << 20)),
    )]));
    let config = object(
        &ty,
        vec![
            ("name", Value::string("Bad_Name")),
            ("tags", tags),
            ("s3_compatible", block(&ty, "s3_compatible", vec![])),
        ],
    );
    let told = errors(&validate(&mut provider, dynamic(&config, &ty), true).await);
    assert_eq!(
        told.len(),
        1,
        "{:?}",
        told.iter()
            .map(|one| one.chars().take(80).collect::<String>())
            .collect::<Vec<_>>()
    );
    assert!(told[0].starts_with("Invalid name"));
}

#[tokio::test]
async fn errors_carry_the_path_of_the_argument() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let inner = block(
        &ty,
        "s3_compatible",
        vec![("endpoint", Value::string("ftp://x"))],
    );
    let config = object(
        &ty,
        vec![
            ("name", Value::string("good-name")),
            ("s3_compatible", inner),
        ],
    );
    let told = validate(&mut provider, dynamic(&config, &ty), true).await;
    assert_eq!(told.len(), 1);
    use wire::attribute_path::step::Selector;
    let steps: Vec<Option<Selector>> = told[0]
        .attribute
        .clone()
        .expect("a path")
        .steps
        .into_iter()
        .map(|step| step.selector)
        .collect();
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
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let Type::Object { attributes, .. } = &ty else {
        panic!("not an object")
    };
    let all = |ty: &Type| {
        let Type::Object { attributes, .. } = ty else {
            panic!("not an object")
        };
        Value::Map(
            attributes
                .keys()
                .map(|name| (name.clone(), Value::Unknown))
                .collect(),
        )
    };
    let mut config = attributes
        .keys()
        .map(|name| (name.clone(), Value::Unknown))
        .collect::<std::collections::BTreeMap<_, _>>();
    config.insert("s3_compatible".into(), all(&attributes["s3_compatible"]));
    config.insert("timeouts".into(), all(&attributes["timeouts"]));
    let told = validate(&mut provider, dynamic(&Value::Map(config), &ty), true).await;
    assert_eq!(errors(&told), Vec::<String>::new());
}

#[tokio::test]
async fn write_only_needs_a_client_that_knows_it() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let inner = block(
        &ty,
        "s3_compatible",
        vec![
            ("wandb_access_key", Value::string("k")),
            ("wandb_secret_key_wo", Value::string("hunter2")),
            ("wandb_secret_key_wo_version", Value::Number(1_i64.into())),
        ],
    );
    let config = object(
        &ty,
        vec![
            ("name", Value::string("good-name")),
            ("s3_compatible", inner),
        ],
    );
    assert_eq!(
        errors(&validate(&mut provider, dynamic(&config, &ty), true).await),
        Vec::<String>::new()
    );
    let told = errors(&validate(&mut provider, dynamic(&config, &ty), false).await);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Terraform 1.11"), "{told:?}");
    assert!(!told[0].contains("hunter2"));
}

#[tokio::test]
async fn a_configuration_in_json_is_read_as_well() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let config = object(
        &ty,
        vec![
            ("name", Value::string("Bad_Name")),
            ("s3_compatible", block(&ty, "s3_compatible", Vec::new())),
        ],
    );
    let json = wire::DynamicValue {
        msgpack: Bytes::new(),
        json: Bytes::from(codec::to_json(&config)),
    };
    let told = errors(&validate(&mut provider, Some(json), true).await);
    assert!(
        told.iter().any(|one| one.starts_with("Invalid name")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_stored_state_loses_and_gains_attributes_and_flatmap_is_refused() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ask = |json: &str, flatmap: &[(&str, &str)]| wire::upgrade_resource_state::Request {
        type_name: BUCKET.to_owned(),
        version: 0,
        raw_state: Some(wire::RawState {
            json: Bytes::from(json.to_owned()),
            flatmap: flatmap
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }),
    };
    let answer = provider
        .upgrade_resource_state(ask(r#"{"name":"x","gone":[1]}"#, &[]))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(errors(&answer.diagnostics), Vec::<String>::new());
    let ty = bucket_type();
    let state = codec::from_msgpack(&answer.upgraded_state.expect("a state").msgpack, &ty)
        .expect("a state");
    assert_eq!(state, object(&ty, vec![("name", Value::string("x"))]));
    let old = provider
        .upgrade_resource_state(ask("", &[("name", "x")]))
        .await
        .expect("an answer")
        .into_inner();
    assert!(errors(&old.diagnostics)[0].contains("before 0.12"));
    let broken = provider
        .upgrade_resource_state(ask("{", &[]))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(errors(&broken.diagnostics).len(), 1);
}

#[tokio::test]
async fn no_type_can_be_moved_here_and_stop_is_answered() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let request = wire::move_resource_state::Request {
        source_type_name: "aws_s3_bucket".to_owned(),
        target_type_name: BUCKET.to_owned(),
        source_state: Some(wire::RawState {
            json: Bytes::from_static(b"{}"),
            flatmap: Default::default(),
        }),
        ..Default::default()
    };
    let moved = provider
        .move_resource_state(request)
        .await
        .expect("an answer")
        .into_inner();
    assert!(errors(&moved.diagnostics)[0].contains("cannot take over a aws_s3_bucket"));
    let stopped = provider
        .stop(wire::stop::Request {})
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(stopped.error, "");
}

#[tokio::test]
async fn before_it_is_configured_nothing_crashes() {
    let plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    let ty = bucket_type();
    let state = object(&ty, vec![("name", Value::string("x"))]);
    let request = wire::read_resource::Request {
        type_name: BUCKET.to_owned(),
        current_state: dynamic(&state, &ty),
        ..Default::default()
    };
    let answer = provider
        .read_resource(request)
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(errors(&answer.diagnostics).len(), 1);
    assert_eq!(answer.new_state, dynamic(&state, &ty));
}
