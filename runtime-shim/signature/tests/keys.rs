//! Compares keys and signatures with RFC 8032, Wycheproof, and openssl where it is installed.

use std::path::Path;
use std::process::{Command, Stdio};
use wasmaot_abi::signature::Block;
use wasmaot_signature::{KeyError, PublicKey, SecretKey, detached_signed_by, signed_by};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn wycheproof_vectors() {
    let set = TestSet::load(TestName::Ed25519).expect("the vectors");
    let mut counts = [0; 2];
    for group in set.test_groups {
        let key = PublicKey::from_pem(&group.pem).expect("a key of the vectors");
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
        for test in group.tests {
            let accepted = detached_signed_by(&test.msg, &test.sig, &[key]) == Some(key);
            let valid = test.result == TestResult::Valid;
            assert_eq!(accepted, valid, "test {}: {}", test.tc_id, test.comment);
            counts[usize::from(valid)] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count >= 30), "{counts:?}");
}

#[test]
fn a_signature_of_the_rfc() {
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
            .collect()
    };
    // RFC 8032, 7.1, test 2.
    let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let key = SecretKey::from_seed(&seed.try_into().expect("32 bytes"));
    let text = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    assert_eq!(key.public_key().to_string(), text);
    let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    assert_eq!(key.sign(&[0x72])[..], bytes(signature)[..]);
}

#[test]
fn weak_keys_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    for key in [identity, [0; 32]] {
        assert_eq!(PublicKey::from_bytes(&key), Err(KeyError::Weak));
    }
    // No point on the curve has the y coordinate 2.
    identity[0] = 2;
    assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::NoPoint));
}

#[test]
fn other_texts_are_no_keys() {
    let key = SecretKey::from_seed(&[3; 32]);
    let (secret, public) = (key.to_pem(), key.public_key().to_pem());
    assert!(SecretKey::from_pem(&secret).is_ok() && PublicKey::from_pem(&public).is_ok());
    assert!(SecretKey::from_pem(&format!("\n{secret}\n\n")).is_ok());
    for text in ["", "a key", &public, &secret[..secret.len() / 2], &secret.replace("PRIVATE", "RSA PRIVATE")]
    {
        assert!(SecretKey::from_pem(text).is_err(), "{text}");
    }
    for text in ["", "a key", &secret, &public[..public.len() / 2]] {
        assert!(PublicKey::from_pem(text).is_err(), "{text}");
    }
    assert!(!format!("{key:?}").contains("3, 3"), "the key is not shown");
}

#[test]
fn one_of_several_signatures_counts() {
    let keys: Vec<SecretKey> = (1..5).map(|seed| SecretKey::from_seed(&[seed; 32])).collect();
    let publics: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
    let artifact = b"an artifact".to_vec();
    let mut file = artifact.clone();
    for key in &keys[..3] {
        file.extend(key.block(&artifact).to_bytes());
    }
    for public in &publics[..3] {
        assert_eq!(signed_by(&file, &[*public]), Some(*public));
        assert_eq!(signed_by(&file, &[publics[3], *public]), Some(*public));
    }
    assert_eq!(signed_by(&file, &publics[3..]), None);
    assert_eq!(signed_by(&file, &[]), None);
    // A block that names one key and has the signature of another, and one of other bytes.
    let forged = Block { key: publics[3].to_bytes(), ..keys[0].block(&artifact) };
    assert_eq!(signed_by(&[&artifact[..], &forged.to_bytes()].concat(), &publics), None);
    let of_others = keys[0].block(b"another artifact").to_bytes();
    assert_eq!(signed_by(&[&artifact[..], &of_others].concat(), &publics), None);
    for at in 0..artifact.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert_eq!(signed_by(&changed, &publics), None, "byte {at}");
    }
}

fn openssl(folder: &Path, line: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(line.split(' ')).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn openssl_and_we_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    if !openssl(folder.path(), "genpkey -algorithm ed25519 -out theirs.pem") {
        println!("skipped: there is no openssl with Ed25519 here");
        return;
    }
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).expect("a writable folder");
    let read = |name: &str| std::fs::read(path(name)).expect("openssl has written it");
    let text = |name: &str| String::from_utf8(read(name)).expect("PEM");
    let artifact = b"an artifact".repeat(1000);
    write("artifact", &artifact);
    // Our key and signature with theirs.
    let ours = SecretKey::from_seed(&[9; 32]);
    write("ours.pem", ours.to_pem().as_bytes());
    write("ours.pub", ours.public_key().to_pem().as_bytes());
    write("ours.sig", &ours.sign(&artifact));
    let verify = "pkeyutl -verify -rawin -pubin -inkey ours.pub -in artifact -sigfile";
    assert!(openssl(folder.path(), &format!("{verify} ours.sig")));
    assert!(openssl(folder.path(), "pkeyutl -sign -rawin -inkey ours.pem -in artifact -out again.sig"));
    assert_eq!(read("again.sig"), ours.sign(&artifact));
    assert!(openssl(folder.path(), "pkey -in ours.pem -pubout -out again.pub"));
    assert_eq!(text("again.pub"), ours.public_key().to_pem());
    write("artifact", b"another");
    assert!(!openssl(folder.path(), &format!("{verify} ours.sig")));
    write("artifact", &artifact);
    // Their key and signature with ours.
    assert!(openssl(folder.path(), "pkey -in theirs.pem -pubout -out theirs.pub"));
    assert!(openssl(folder.path(), "pkeyutl -sign -rawin -inkey theirs.pem -in artifact -out theirs.sig"));
    let theirs = PublicKey::from_pem(&text("theirs.pub")).expect("a key of openssl's");
    assert_eq!(detached_signed_by(&artifact, &read("theirs.sig"), &[theirs]), Some(theirs));
    assert_eq!(detached_signed_by(b"another", &read("theirs.sig"), &[theirs]), None);
    let secret = SecretKey::from_pem(&text("theirs.pem")).expect("a key of openssl's");
    assert_eq!(secret.public_key(), theirs);
    assert_eq!(secret.sign(&artifact)[..], read("theirs.sig")[..]);
}
