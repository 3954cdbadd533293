//! Finds the library or builds it; lib.rs tells in which order.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    for name in ["OCTAVO_LIB_DIR", "OCTAVO_NO_VENDOR", "DOCS_RS"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation needs no library
    }
    if let Some(folder) = env::var_os("OCTAVO_LIB_DIR") {
        return link_folder(Path::new(&folder));
    }
    if env::var_os("CARGO_FEATURE_VENDORED").is_none() {
        // The bindings are those of this version's ABI, which the shared library's name repeats.
        let found = pkg_config::Config::new().atleast_version(env!("CARGO_PKG_VERSION")).probe("octavo");
        if let Ok(library) = found {
            for folder in library.include_paths {
                println!("cargo:include={}", folder.display());
            }
            return;
        }
    }
    if env::var_os("OCTAVO_NO_VENDOR").map_or(false, |value| value != "0") {
        panic!("pkg-config knows no octavo, and OCTAVO_NO_VENDOR forbids building the bundled sources");
    }
    build(&sources());
}

fn link_folder(folder: &Path) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    let shared = ["liboctavo.so", "liboctavo.dylib"].iter().any(|name| folder.join(name).exists());
    if shared {
        println!("cargo:rustc-link-lib=dylib=octavo");
    } else if folder.join("liboctavo.a").exists() {
        link_static();
    } else {
        panic!("OCTAVO_LIB_DIR={}: neither liboctavo.so nor liboctavo.a is there", folder.display());
    }
}

fn link_static() {
    println!("cargo:rustc-link-lib=static=octavo");
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").map_or(false, |vendor| vendor == "apple");
    println!("cargo:rustc-link-lib=dylib={}", if apple { "c++" } else { "stdc++" });
}

/// The sources bundled by package.sh, or the repository around this crate.
fn sources() -> PathBuf {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let places = [here.join("vendor"), here.join("../../..")];
    places.iter().find(|place| place.join("core").is_dir()).cloned().unwrap_or_else(|| {
        panic!("{}: no C++ sources; install liboctavo, or package the crate with package.sh", here.display())
    })
}

fn build(source: &Path) {
    let source = source.canonicalize().expect("the sources are there");
    for part in ["VERSION", "CMakeLists.txt", "cmake", "core", "capi"] {
        println!("cargo:rerun-if-changed={}", source.join(part).display());
    }
    let mut config = cmake::Config::new(&source);
    config
        .profile("Release") // a debug build of the kernels is of no use to anybody
        .define("OCTAVO_SHARED", "OFF")
        .define("OCTAVO_STATIC", "ON")
        .define("OCTAVO_INSTALL", "OFF")
        .build_target("octavo_static");
    if source.ends_with("vendor") {
        config.define("OCTAVO_FETCH_DEPS", "OFF").define("OCTAVO_DEPS_DIR", source.join("deps"));
    }
    let out = config.build().join("build");
    println!("cargo:rustc-link-search=native={}", out.join("capi").display());
    println!("cargo:include={}", source.join("capi/include").display());
    link_static();
}
