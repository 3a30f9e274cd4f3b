//! Our codec against an independent one, in both directions, with every type.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use wandb_provider::sdk::codec::{from_json, from_msgpack, to_msgpack};
use wandb_provider::sdk::value::{Type, Value};

/// Types and values in Terraform's JSON notation.
const CORPUS: [(&str, &str); 24] = [
    (r#""string""#, r#""text""#),
    (r#""string""#, r#""""#),
    (r#""string""#, "null"),
    (r#""string""#, r#""é漢字 \u0000""#),
    (r#""bool""#, "true"),
    (r#""number""#, "0"),
    (r#""number""#, "-1"),
    (r#""number""#, "127"),
    (r#""number""#, "4294967296"),
    (r#""number""#, "9223372036854775807"),
    (r#""number""#, "18446744073709551615"),
    (r#""number""#, "1180591620717411303424"),
    (r#""number""#, "0.5"),
    (r#""number""#, "0.1"),
    (r#""number""#, "-12345678901234567890.0123456789"),
    (r#"["list","string"]"#, "[]"),
    (r#"["list","number"]"#, "[1,2.5,null]"),
    (r#"["set","string"]"#, r#"["b","a"]"#),
    (r#"["map","bool"]"#, r#"{"x":true,"y":false}"#),
    (r#"["tuple",["string","number"]]"#, r#"["a",1]"#),
    (
        r#"["object",{"a":"string","b":["list",["object",{"c":"number"}]]}]"#,
        r#"{"a":null,"b":[{"c":1}]}"#,
    ),
    (r#""dynamic""#, r#"{"type":"string","value":"x"}"#),
    (
        r#"["object",{"d":"dynamic"}]"#,
        r#"{"d":{"type":["list","number"],"value":[1,2]}}"#,
    ),
    (r#""dynamic""#, "null"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}

/// The corpus, and the same values with parts unknown.
fn cases() -> Vec<(Type, Value)> {
    let read = |(ty, value): &(&str, &str)| {
        let ty = Type::from_json(&serde_json::from_str(ty).expect("JSON")).expect("a type");
        let value = from_json(value.as_bytes(), &ty).expect("a value");
        (ty, value)
    };
    let mut cases: Vec<(Type, Value)> = CORPUS.iter().map(read).collect();
    let object = Type::object([("a", Type::String), ("b", Type::set(Type::Number))]);
    let part = Value::Map(
        [
            ("a".to_owned(), Value::Unknown),
            ("b".to_owned(), Value::Unknown),
        ]
        .into(),
    );
    cases.push((Type::String, Value::Unknown));
    cases.push((object, part));
    cases.push((
        Type::list(Type::String),
        Value::List(vec![Value::Unknown, Value::string("x")]),
    ));
    cases
}

fn ask(lines: &[Json]) -> Vec<Json> {
    let mut child = Command::new(simulator::python::tool("python"))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/protocol/codec.py"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the Python environment is there; run tests/setup.sh");
    let mut input = child.stdin.take().expect("piped");
    for line in lines {
        writeln!(input, "{line}").expect("written");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn an_independent_codec_reads_ours_and_we_read_its() {
    let cases = cases();
    let lines: Vec<Json> = cases
        .iter()
        .map(|(ty, value)| json!({"type": ty.to_json(), "msgpack": hex(&to_msgpack(value, ty).expect("packs"))}))
        .collect();
    let answers = ask(&lines);
    assert_eq!(answers.len(), cases.len());
    for ((ty, value), answer) in cases.iter().zip(&answers) {
        let bytes = answer["msgpack"]
            .as_str()
            .unwrap_or_else(|| panic!("{ty}: {answer}"));
        assert_eq!(from_msgpack(&unhex(bytes), ty).as_ref(), Ok(value), "{ty}");
        // Where the independent codec can say it in JSON, it says the same value.
        if let Some(text) = answer["json"].as_str() {
            assert_eq!(
                from_json(text.as_bytes(), ty).as_ref(),
                Ok(value),
                "{ty}: {text}"
            );
        }
    }
    let compared = answers
        .iter()
        .filter(|answer| answer["json"].is_string())
        .count();
    assert!(
        compared >= CORPUS.len() - 1,
        "only {compared} values were compared as JSON"
    );
}
