#![allow(missing_docs)]
use datatracks::{KeyDerivation, e2ee::Derivation};
#[test]
fn t() {
    let t = std::time::Instant::now();
    let d = Derivation::new(KeyDerivation::Pbkdf2, None);
    d.derive(b"password");
    println!("{:?}", t.elapsed());
}
