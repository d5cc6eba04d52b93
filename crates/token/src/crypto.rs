//! Crypto provider for jsonwebtoken: RS256 with ring, no other algorithm.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use signature::{Error, Signer, Verifier};

/// Installs ring as the crypto provider of jsonwebtoken in this process. Further calls do nothing.
pub fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| Rs256::signer(*algorithm, key),
        verifier_factory: |algorithm, key| Rs256::verifier(*algorithm, key),
        key_utils: KeyUtils::new_unimplemented(),
    };
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if a provider is already installed.
        let _ = PROVIDER.install_default();
    });
}

struct Rs256<K>(K);

impl Rs256<()> {
    fn signer(algorithm: Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
        only_rs256(algorithm, key.family())?;
        let pair = RsaKeyPair::from_der(key.as_bytes())
            .map_err(|error| ErrorKind::InvalidRsaKey(error.to_string()))?;
        Ok(Box::new(Rs256(pair)))
    }

    fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
        only_rs256(algorithm, key.family())?;
        match key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                Ok(Box::new(Rs256(RsaPublicKeyComponents {
                    n: n.clone(),
                    e: e.clone(),
                })))
            }
            DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
        }
    }
}

fn only_rs256(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm == Algorithm::RS256 && family == AlgorithmFamily::Rsa {
        Ok(())
    } else {
        Err(ErrorKind::UnsupportedAlgorithm.into())
    }
}

impl Verifier<Vec<u8>> for Rs256<RsaPublicKeyComponents<Vec<u8>>> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .map_err(|_| Error::new())
    }
}

impl JwtVerifier for Rs256<RsaPublicKeyComponents<Vec<u8>>> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

impl Signer<Vec<u8>> for Rs256<RsaKeyPair> {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| Error::new())?;
        Ok(signature)
    }
}

impl JwtSigner for Rs256<RsaKeyPair> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[cfg(test)]
#[path = "crypto_tests.rs"]
mod tests;
