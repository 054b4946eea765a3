//! The project's own tool.
use camino::Utf8PathBuf;
use uniffi_bindgen::{
    BindgenPaths, BindgenPathsLayer,
    bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths},
};
struct Here(Utf8PathBuf);
impl BindgenPathsLayer for Here {
    fn get_crate_root(&self, _: &str) -> Option<Utf8PathBuf> {
        Some(self.0.clone())
    }
    fn get_udl_path(&self, _: &str, stem: &str) -> Option<Utf8PathBuf> {
        Some(self.0.join("udl").join(format!("{stem}.udl")))
    }
}
fn main() {
    let mut p = BindgenPaths::default();
    p.add_layer(Here(Utf8PathBuf::from(".")));
    let a: Vec<String> = std::env::args().collect();
    generate_with_bindgen_paths(
        GenerateOptions {
            languages: vec![TargetLanguage::Python, TargetLanguage::Swift, TargetLanguage::Kotlin],
            source: a[1].clone().into(),
            out_dir: a[2].clone().into(),
            format: false,
            ..Default::default()
        },
        p,
    )
    .unwrap();
}
