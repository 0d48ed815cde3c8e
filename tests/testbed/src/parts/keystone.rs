//! Keystone under uwsgi, on `SQLite`.
//!
//! One process only: its cache is in the process's memory, and a second one would go on believing in roles that
//! the first has taken away. Without that cache each request costs hundreds of SQL statements.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::Part;
use crate::region::Region;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// Writes the configuration and fresh keys, and returns how to start Keystone.
pub(super) fn launch(site: &Site, region: Region, part: Part) -> anyhow::Result<Launch> {
    let directory = site.part_directory(part)?;
    let port = site.ports.keystone(region);
    let expiration = site.options.token_expiration.as_secs();
    let config = configure(&directory, port, expiration)?;
    let mut launch = uwsgi(
        &site.venv_program("uwsgi"),
        &site.wsgi(),
        port,
        "keystone_on_sqlite",
    )
    .named(part, site.log(part))
    .env("OS_KEYSTONE_CONFIG_FILES", config.display());
    launch
        .arguments
        .extend(["--processes", "1", "--threads", "8"].map(String::from));
    Ok(launch)
}

/// Writes `keystone.conf`, the policy file and, when missing, the token and credential keys into `directory`.
pub(crate) fn configure(
    directory: &Path,
    port: u16,
    expiration: u64,
) -> anyhow::Result<std::path::PathBuf> {
    let place = directory.display();
    for keys in ["fernet", "credential"] {
        make_keys(&directory.join(keys))?;
    }
    fs::write(directory.join("policy.yaml"), "{}\n")?;
    let path = directory.join("keystone.conf");
    write_private(
        &path,
        &format!(
            "[DEFAULT]
log_file = {place}/keystone.log
public_endpoint = http://127.0.0.1:{port}
max_token_size = 512
[database]
connection = sqlite:///{place}/keystone.db?timeout=30
sqlite_synchronous = false
[identity]
# The cheapest bcrypt there is: these passwords protect nothing, and logins are frequent.
password_hash_rounds = 4
[token]
provider = fernet
expiration = {expiration}
allow_expired_window = 172800
[fernet_tokens]
key_repository = {place}/fernet
[fernet_receipts]
key_repository = {place}/fernet
[credential]
key_repository = {place}/credential
[cache]
enabled = true
backend = dogpile.cache.memory
[oslo_policy]
policy_file = {place}/policy.yaml
[unified_limit]
enforcement_model = flat
"
        ),
    )?;
    Ok(path)
}

/// The arguments that Keystone and Glance share.
///
/// `Connection: close` is said in every answer because uwsgi's http-socket does close, and clients that pool
/// connections trip over one that closes unannounced. `no-orphans` ends workers whose master was killed.
pub(crate) fn uwsgi(uwsgi: &Path, modules: &Path, port: u16, module: &str) -> Launch {
    let mut launch = Launch::of(uwsgi);
    launch.arguments = [
        "--http-socket",
        &format!("127.0.0.1:{port}"),
        "--pythonpath",
        &modules.display().to_string(),
        "--module",
        &format!("{module}:application"),
        "--virtualenv",
        &uwsgi
            .ancestors()
            .nth(2)
            .unwrap_or(uwsgi)
            .display()
            .to_string(),
        "--master",
        "--lazy-apps",
        "--need-app",
        "--die-on-term",
        "--no-orphans",
        "--enable-threads",
        "--thunder-lock",
        "--disable-logging",
        "--buffer-size",
        "65535",
        "--add-header",
        "Connection: close",
    ]
    .map(String::from)
    .into();
    launch
}

/// A key repository as keystone-manage would set it up: key 0 (staged) and key 1 (primary), 32 random bytes each.
fn make_keys(directory: &Path) -> anyhow::Result<()> {
    if directory.exists() {
        return Ok(());
    }
    fs::DirBuilder::new().mode(0o700).create(directory)?;
    for name in ["0", "1"] {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(directory.join(name))?;
        std::io::Write::write_all(&mut file, base64url(rand::random()).as_bytes())?;
    }
    Ok(())
}

/// URL-safe base64 with padding (RFC 4648 section 5) of a 32-byte key.
fn base64url(key: [u8; 32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(44);
    for group in key.chunks(3) {
        let bytes = [
            group[0],
            *group.get(1).unwrap_or(&0),
            *group.get(2).unwrap_or(&0),
        ];
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for position in 0..4 {
            if position <= group.len() {
                let index = (bits >> (18 - 6 * position)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64url;

    #[test]
    fn keys_are_written_as_fernet_reads_them() {
        assert_eq!(
            base64url([0; 32]),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        );
        assert_eq!(
            base64url([255; 32]),
            "__________________________________________8="
        );
    }
}
