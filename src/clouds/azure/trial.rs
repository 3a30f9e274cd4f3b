//! Whether a key that a state knows is still the account's.

use secrecy::ExposeSecret;

use super::Azure;
use super::error::{AUTHENTICATION_FAILED, has_code};
use super::{key, listing};
use crate::byob::identity::AccessKey;
use crate::byob::{CloudError, CloudErrorKind};

/// What became of a key that a state knows.
pub(super) enum Trial {
    /// It is the account's, or nobody can say from here.
    Holds,
    /// The account has another one, or one that the state does not know.
    Replaced(AccessKey),
    /// The account has another one by now, and the caller may not read it.
    Lost,
}

/// Reads the key where the state knows none: an import leaves secrets out.
pub(super) async fn read(cloud: &Azure) -> Result<Trial, CloudError> {
    match key::own(cloud).await {
        Ok(Some(key)) => Ok(Trial::Replaced(key)),
        Ok(None) => Ok(Trial::Holds),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(Trial::Holds),
        Err(error) => Err(error),
    }
}

/// Tries a key where it was not seen to work in this process: reading it takes a right that a
/// plan should not need.
pub(super) async fn try_out(
    cloud: &Azure,
    bucket: &str,
    key: &AccessKey,
) -> Result<Trial, CloudError> {
    let account = cloud.place.account_id();
    let kept = cloud.clients.kept_key(&account, &key.id);
    if kept.is_some_and(|kept| kept.expose_secret() == key.expose_secret()) {
        return Ok(Trial::Holds);
    }
    // Other buckets of the account may know another one, so it is kept once it was let in.
    let is_another_key = match listing::glance_by(cloud, bucket, key).await {
        Err(error) if has_code(&error, AUTHENTICATION_FAILED) => {
            error.message.contains("Signature did not match")
        }
        Ok(()) => {
            let secret = key.expose_secret();
            cloud.clients.keep_key(&account, &key.id, secret);
            return Ok(Trial::Holds);
        }
        // A firewall between here and the blobs says nothing about the key.
        Err(_) => return Ok(Trial::Holds),
    };
    match key::read(cloud, &key.id).await {
        Ok(now) if now.expose_secret() == key.expose_secret() => Ok(Trial::Holds),
        Ok(now) => Ok(Trial::Replaced(now)),
        // A clock that is wrong is refused under the same code.
        Err(denied) if denied.kind == CloudErrorKind::Denied => Ok(match is_another_key {
            true => Trial::Lost,
            false => Trial::Holds,
        }),
        Err(error) => Err(error),
    }
}
