//! Access keys that a rotation has replaced: how long they stay, and who says that they may go.
//!
//! A W&B instance keeps the key that its operator has given it, and its test of a connection
//! does not say which key it uses. So a replaced key stays while the instance may use it.

use super::schema::Bucket;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::terraform::diagnostics::Explanation;

/// A state: the ids of keys that were replaced and are still there.
const WAITING: &str = "waiting_keys";
/// A state: the instance has reached the bucket, or may have; or a replaced key was kept.
const IN_USE: &str = "key_in_use";
/// A state: the instance did not reach the bucket at a time when the waiting keys worked.
const LOST: &str = "key_lost";

/// What the operator of the instance has to do, as the beginning of a sentence.
pub const SWITCH: &str = "Put the new supported_file_store in the place of the old one in \
                      GORILLA_SUPPORTED_FILE_STORES of the instance and restart it (on a dedicated \
                      instance W&B does it)";

/// What the instance's test of its connection says about the key that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It reaches the bucket, by whichever key.
    Reached,
    /// It does not.
    Lost,
    /// It was not reached itself, or refused to say.
    Silent,
    /// Its test cannot be made for such a bucket, so nobody can ever know.
    Untestable,
    /// Nobody was to ask, or there is no instance.
    Unasked,
}

/// The keys that wait to be removed.
pub fn waiting(private: &Private) -> Vec<String> {
    let list = private.get(WAITING).and_then(serde_json::Value::as_array);
    let ids = list.into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// Notes that a key was replaced, before anything else can fail.
pub fn note_replaced(private: &mut Private, id: &str) {
    let mut waiting = waiting(private);
    waiting.push(id.to_owned());
    private.set(WAITING, waiting);
}

/// Notes what the instance has said.
pub fn note_answer(private: &mut Private, answer: Answer) {
    match answer {
        Answer::Reached | Answer::Silent => private.set(IN_USE, true),
        Answer::Lost if !waiting(private).is_empty() => private.set(LOST, true),
        Answer::Lost | Answer::Untestable | Answer::Unasked => {}
    }
}

/// Whether replaced keys have to stay after this answer.
pub fn stay(private: &Private, bucket: &Bucket, answer: Answer) -> bool {
    if is_told(bucket) {
        return false;
    }
    match answer {
        // Whoever has lost the bucket and reaches it again was given the new key.
        Answer::Reached => private.get(LOST).is_none(),
        Answer::Silent => true,
        Answer::Untestable if insists(bucket) => true,
        Answer::Lost | Answer::Untestable | Answer::Unasked => is_in_use(private),
    }
}

/// Whether the user insists on the instance's word.
pub fn insists(bucket: &Bucket) -> bool {
    bucket.register == Field::Known(true)
}

/// Replaced keys were kept: from now on nothing but the operator's word lets them go.
pub fn note_kept(private: &mut Private) {
    private.set(IN_USE, true);
}

/// Whether the operator says that nobody is to be asked: then no key waits for an answer.
pub fn is_told(bucket: &Bucket) -> bool {
    bucket.register == Field::Known(false)
}

/// Whether the instance has reached the bucket, or may have.
pub fn is_in_use(private: &Private) -> bool {
    private.get(IN_USE).is_some()
}

/// The replaced keys are gone.
pub fn forget(private: &mut Private) {
    private.remove(WAITING);
    private.remove(LOST);
}

/// No key is made any more.
pub fn forget_all(private: &mut Private) {
    forget(private);
    private.remove(IN_USE);
}

/// Replaced keys stay.
pub fn still_works(old: &[String], new: Option<&String>) -> Explanation {
    let new = new.map_or("another one", String::as_str);
    Explanation::new(
        "W&B's old access key still works",
        format!(
            "the key {} was replaced by {new}, and the W&B instance, which may use either, does not \
             say which",
            old.join(", ")
        ),
    )
    .left_behind("both keys")
    .what_to_do(format!(
        "{SWITCH}. Then apply once with register = false, which says so, and the old key goes."
    ))
}

/// Another rotation while replaced keys wait: nobody would know which one the instance has.
pub fn not_again(old: &[String]) -> Explanation {
    Explanation::new(
        "W&B's access key is not rotated again",
        format!(
            "the key {} of the last rotation waits to be removed, and the W&B instance may still use \
             it",
            old.join(", ")
        ),
    )
    .left_behind("both keys")
    .what_to_do(format!(
        "Set access_key_rotation back. {SWITCH}, if that is not done. Then apply once with \
         register = false, which says so, and the old key goes; after that, rotate again."
    ))
}

/// A replaced key has gone in the very run that has replaced it.
pub fn replaced(old: &[String]) -> Diagnostic {
    Explanation::new(
        "W&B's access key is another one now",
        format!("the key {} was replaced, and is gone", old.join(", ")),
    )
    .what_to_do(format!(
        "{SWITCH}, if it had the old one; until then W&B does not reach the bucket."
    ))
    .warning()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::diagnostic::Path;
    use crate::sdk::model::FromValue as _;
    use crate::sdk::value::Value;

    fn bucket(register: Field<bool>) -> Bucket {
        let empty = Value::Map(Default::default());
        let mut bucket = Bucket::from_value(&empty, &Path::root()).expect("empty");
        bucket.register = register;
        bucket
    }

    /// The answers of one run after another, from the one that rotates; whether the old key
    /// stays after the last.
    fn stays_after(before: &[Answer], since: &[Answer]) -> bool {
        let mut private = Private::default();
        for answer in before {
            note_answer(&mut private, *answer);
        }
        note_replaced(&mut private, "OLD");
        for answer in since {
            note_answer(&mut private, *answer);
        }
        let last = since.last().copied().unwrap_or(Answer::Unasked);
        assert_eq!(waiting(&private), ["OLD"]);
        assert!(!stay(&private, &bucket(Field::Known(false)), last));
        stay(&private, &bucket(Field::Null), last)
    }

    #[test]
    fn a_key_stays_while_the_instance_may_use_it() {
        use Answer::{Lost, Reached, Silent, Unasked, Untestable};
        for (before, since, expected) in [
            (&[][..], &[Reached][..], true),
            (&[], &[Reached, Reached], true),
            (&[], &[Silent], true),
            (&[], &[Untestable], false),
            (&[Reached], &[Untestable], true),
            (&[], &[Silent, Unasked], true),
            (&[Reached], &[Unasked], true),
            (&[Reached], &[Lost], true),
            (&[Reached], &[Lost, Reached], false),
            (&[], &[Reached, Lost, Reached], false),
            (&[], &[Lost, Reached], false),
            // It never had a key that works.
            (&[], &[Lost], false),
            (&[Lost], &[Lost], false),
            (&[], &[Unasked], false),
        ] {
            let stays = stays_after(before, since);
            assert_eq!(stays, expected, "{before:?}, then {since:?}");
        }
    }
}
