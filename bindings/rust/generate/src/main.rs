//! Prints what bindgen makes of octavo.h: `cargo run -- path/to/octavo.h`. Needs libclang.

fn main() {
    let header = std::env::args().nth(1).expect("usage: generate octavo.h");
    let bindings = bindgen::Builder::default()
        .header(header)
        .allowlist_item("octavo_.*|OCTAVO_.*")
        .blocklist_item("OCTAVO_H_")
        .default_enum_style(bindgen::EnumVariation::Consts) // an unknown value of a Rust enum would be undefined behaviour
        .merge_extern_blocks(true)
        .prepend_enum_name(false)
        .default_macro_constant_type(bindgen::MacroTypeVariation::Signed)
        .use_core()
        .ctypes_prefix("::std::os::raw")
        .generate_comments(false) // the safe crate and octavo.h have the words
        .layout_tests(true)
        .rust_target(bindgen::RustTarget::stable(63, 0).unwrap_or_else(|e| panic!("{e}")))
        .rust_edition(bindgen::RustEdition::Edition2021)
        .formatter(bindgen::Formatter::Prettyplease)
        .disable_header_comment()
        .generate()
        .expect("bindgen");
    print!("// Made by bindings/rust/generate from octavo.h: do not edit.\n{}", bindings.to_string());
}
