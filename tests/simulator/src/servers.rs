//! Starters for real storage servers on loopback ports: MinIO, SeaweedFS, moto for
//! Amazon's services, and Azurite for Azure's blobs.
//!
//! A server ends with the [`Server`], and also when the process that started it dies in
//! any way: a shell between the two notices that its input has ended.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// Runs the program behind it, tells its pid, and kills it once the input has ended.
const WATCHDOG: &str = r#""$@" </dev/null >"$LOG" 2>&1 &
pid=$!
echo "$pid"
cat >/dev/null
kill -KILL "$pid"
wait "$pid"
rm -rf "$DATA""#;
/// Where ports for servers begin, and how many there are; those of SeaweedFS lie above.
const FIRST_PORT: u32 = 10_000;
const PORTS: u32 = 5_000;
/// SeaweedFS opens a second port this far above each of its ports.
const TWIN: u16 = 10_000;

/// What a MinIO server is to be like.
#[derive(Clone, Debug, Default)]
pub struct MinioOptions {
    /// It has a key service with the key `wandb-key`.
    pub kms: bool,
    /// The only origin that its CORS answers let in; all without it.
    pub cors_origin: Option<String>,
    /// The region that the server insists on.
    pub site_region: Option<String>,
    /// Its port; a free one without it.
    pub port: Option<u16>,
    /// It speaks TLS, with a certificate of an authority of its own.
    pub tls: bool,
    /// The administrator's key and its secret; this run's own without it.
    pub login: Option<(String, String)>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    watchdog: Child,
    pid: u32,
    address: SocketAddr,
    access_key: String,
    secret_key: String,
    /// The authority's certificate in PEM, of a server that speaks TLS.
    authority: Option<String>,
    behind_tls: Option<BehindTls>,
}

/// The same server once more, behind TLS.
#[derive(Clone, Debug)]
pub struct BehindTls {
    /// Scheme, host and port.
    pub endpoint: String,
    /// A file with the certificate to trust.
    pub certificate: PathBuf,
}

impl Server {
    /// Starts MinIO.
    pub async fn minio(options: MinioOptions) -> anyhow::Result<Self> {
        let address = match options.port {
            Some(port) => SocketAddr::from(([127, 0, 0, 1], port)),
            None => free_address()?,
        };
        let data = fresh_folder("minio")?;
        let own = options.login;
        let (access_key, secret_key) = own.unwrap_or_else(|| credentials("minio"));
        let mut command = watched(&program("MINIO_BIN", "minio", "bin/minio")?, &data);
        command
            .arg("server")
            .arg(&data)
            .args(["--address", &address.to_string()])
            .args(["--console-address", &free_address()?.to_string()])
            .env("MINIO_ROOT_USER", &access_key)
            .env("MINIO_ROOT_PASSWORD", &secret_key);
        if options.kms {
            // Any 32 bytes will do: what they encrypt ends with the server.
            let key = "d2FuZGItYnlvYi10ZXN0LWtleS1vZi0zMi1ieXRlcyE=";
            command.env("MINIO_KMS_SECRET_KEY", format!("wandb-key:{key}"));
        }
        if let Some(origin) = &options.cors_origin {
            command.env("MINIO_API_CORS_ALLOW_ORIGIN", origin);
        }
        if let Some(region) = &options.site_region {
            command.env("MINIO_SITE_REGION", region);
        }
        let mut authority = None;
        if options.tls {
            let certificates = data.join(".certificates");
            authority = Some(certify(&certificates)?);
            command.arg("--certs-dir").arg(&certificates);
        }
        let mut server = Self::run(command, address, access_key, secret_key)?;
        server.authority = authority;
        // "live" comes before users and buckets are loaded.
        server.wait_for("minio/health/cluster").await?;
        Ok(server)
    }

    /// Starts SeaweedFS with its S3 and IAM interfaces.
    pub async fn seaweedfs() -> anyhow::Result<Self> {
        let [master, volume, filer, s3] = free_ports_with_twins()?;
        let address = SocketAddr::from(([127, 0, 0, 1], s3));
        let data = fresh_folder("seaweedfs")?;
        let (access_key, secret_key) = credentials("weed");
        let config = data.join("s3.json");
        let identity = serde_json::json!({"identities": [{
            "name": "admin",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]});
        std::fs::write(&config, identity.to_string())?;
        let mut command = watched(&program("WEED_BIN", "weed", "venv/bin/weed")?, &data);
        command
            .env("WEED_S3_SSE_KEY", "test")
            .env(
                "WEED_JWT_FILER_SIGNING_KEY",
                "abcdefghijklmnopqrstuvwxyz012345",
            )
            .arg("-logtostderr")
            .arg("server")
            .arg(format!("-dir={}", data.display()))
            .args([
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.telemetry=false",
            ])
            .args([
                "-master.volumeSizeLimitMB=64",
                // Each bucket takes seven volumes; they are empty files.
                "-volume.max=5000",
                "-volume.preStopSeconds=1",
            ])
            .args([
                "-filer",
                "-s3",
                "-s3.iam.readOnly=false",
                "-s3.autoCreateBucket=false",
            ])
            .args([
                "-s3.allowDeleteBucketNotEmpty=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ])
            .arg(format!("-s3.config={}", config.display()))
            .arg(format!("-s3.port={s3}"))
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"));
        let server = Self::run(command, address, access_key, secret_key)?;
        server.wait_for("healthz").await?;
        Ok(server)
    }

    /// Starts moto: Amazon's S3, KMS, IAM and STS at one address, and at another one
    /// behind TLS. It takes every key.
    pub async fn moto() -> anyhow::Result<Self> {
        Self::amazon(false).await
    }

    /// moto with keys and the policies of users checked.
    pub async fn moto_with_authentication() -> anyhow::Result<Self> {
        Self::amazon(true).await
    }

    /// Starts Azurite's Blob service for one account and its key, which is in base64.
    pub async fn azurite(account: &str, key: &str) -> anyhow::Result<Self> {
        let address = free_address()?;
        let data = fresh_folder("azurite")?;
        let script = cache().join("azurite/node_modules/azurite/dist/src/blob/main.js");
        let mut command = watched(&program("NODE_BIN", "node", "bin/node")?, &data);
        command
            .arg(script)
            .args(["--blobHost", "127.0.0.1"])
            .args(["--blobPort", &address.port().to_string()])
            .arg("--location")
            .arg(data.join("blobs"))
            .args(["--silent", "--disableTelemetry", "--skipApiVersionCheck"])
            .arg("--disableProductStyleUrl")
            .env("AZURITE_ACCOUNTS", format!("{account}:{key}"));
        let server = Self::run(command, address, account.to_owned(), key.to_owned())?;
        let deadline = Instant::now() + PATIENCE;
        let mut poll = tokio::time::interval(Duration::from_millis(50));
        // There is no path that it answers everybody well at, so that a refusal will do.
        let client = reqwest::Client::builder().no_proxy().build()?;
        while client.get(server.endpoint()).send().await.is_err() {
            if Instant::now() > deadline {
                bail!("Azurite did not answer within {PATIENCE:?}");
            }
            poll.tick().await;
        }
        Ok(server)
    }

    async fn amazon(authentication: bool) -> anyhow::Result<Self> {
        let (address, behind_tls) = (free_address()?, free_address()?);
        let data = fresh_folder("moto")?;
        let (access_key, secret_key) = credentials("moto");
        let mut command = watched(
            &program("MOTO_PYTHON", "python3", "venv/bin/python")?,
            &data,
        );
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/amazon.py"))
            .args(["-H", "127.0.0.1"])
            .args(["-p", &address.port().to_string()]);
        let made = rcgen::generate_simple_self_signed(vec![address.ip().to_string()])?;
        let (certificate, key) = (data.join("certificate.pem"), data.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        command
            .env("TLS_PORT", behind_tls.port().to_string())
            .env("TLS_CERTIFICATE", &certificate)
            .env("TLS_KEY", &key);
        if authentication {
            command
                .env("ADMIN_KEY", &access_key)
                .env("ADMIN_SECRET", &secret_key);
        }
        let mut server = Self::run(command, address, access_key, secret_key)?;
        server.behind_tls = Some(BehindTls {
            endpoint: format!("https://{behind_tls}"),
            certificate,
        });
        server.wait_for("moto-api/").await?;
        Ok(server)
    }

    fn run(
        mut command: Command,
        address: SocketAddr,
        access_key: String,
        secret_key: String,
    ) -> anyhow::Result<Self> {
        let mut watchdog = command
            .spawn()
            .context("the shell that watches the server")?;
        let mut line = String::new();
        let out = watchdog.stdout.take().context("piped")?;
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self {
            pid: line.trim().parse().context("the server's pid")?,
            watchdog,
            address,
            access_key,
            secret_key,
            authority: None,
            behind_tls: None,
        })
    }

    async fn wait_for(&self, path: &str) -> anyhow::Result<()> {
        let url = format!("{}/{path}", self.endpoint());
        let mut client = reqwest::Client::builder().no_proxy();
        if let Some(authority) = &self.authority {
            client =
                client.add_root_certificate(reqwest::Certificate::from_pem(authority.as_bytes())?);
        }
        let client = client.build()?;
        let deadline = Instant::now() + PATIENCE;
        let mut poll = tokio::time::interval(Duration::from_millis(50));
        while Instant::now() < deadline {
            poll.tick().await;
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(_) | Err(_) => {}
            }
        }
        bail!("the server did not answer at {url} within {PATIENCE:?}")
    }

    /// Scheme, host and port.
    pub fn endpoint(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate to trust, in PEM, for a server that speaks TLS.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server behind TLS, where it is there as well.
    pub fn behind_tls(&self) -> Option<&BehindTls> {
        self.behind_tls.as_ref()
    }

    /// The administrator's key.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Its secret.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The server's own process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends the server and removes its data.
    pub async fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.watchdog.stdin.take());
        // The watchdog ends once the server has.
        let _ = self.watchdog.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn watched(program: &Path, data: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(program)
        .env("DATA", data)
        .env("LOG", data.join("log.txt"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Where the set-up has installed what the tests need.
pub(crate) fn cache() -> PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    std::env::var("WANDB_TEST_CACHE")
        .unwrap_or_else(|_| format!("{home}/.cache/terraform-provider-wandb"))
        .into()
}

/// A program named by a variable, in `PATH`, or in the cache of the set-up.
fn program(variable: &str, name: &str, cached: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::var_os(variable)
        .map(PathBuf::from)
        .into_iter()
        .chain([cache().join(cached)])
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|file| file.is_file())
        .with_context(|| format!("there is no {name}: run tests/setup.sh, or set {variable}"))
}

fn fresh_folder(name: &str) -> anyhow::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("{name}-{}-{number}", std::process::id()));
    // Left over from a process of the same number, long ago.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Credentials that are this run's own.
fn credentials(name: &str) -> (String, String) {
    let stamp = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|since| since.as_nanos())
        .unwrap_or_default();
    (format!("{name}admin"), format!("{name}-secret-{stamp:x}"))
}

/// Writes a certificate for 127.0.0.1 and its key as MinIO wants them; returns the
/// authority's certificate.
fn certify(folder: &Path) -> anyhow::Result<String> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &issuer)?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("public.crt"), leaf.pem())?;
    std::fs::write(folder.join("private.key"), key.serialize_pem())?;
    Ok(root)
}

/// An address that nobody listens at. It lies below the ports that systems give to whoever
/// connects somewhere, who could have it before the server has; and none is given twice.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id() % PORTS;
    for _ in 0..PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
        let port = u16::try_from(FIRST_PORT + (begin + step) % PORTS)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("there is no free port")
}

/// Four free ports whose twins are free as well.
fn free_ports_with_twins() -> anyhow::Result<[u16; 4]> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut found = Vec::new();
    let begin = 15_000 + u16::try_from(std::process::id() % 10_000)?;
    for port in begin..begin + 2_000 {
        if free(port) && free(port + TWIN) {
            found.push(port);
        }
        if let [master, volume, filer, s3] = found[..] {
            return Ok([master, volume, filer, s3]);
        }
    }
    bail!("there are no four free ports")
}
