// swift-tools-version: 6.0
import PackageDescription

// What calls cost from Swift. `cargo tasks calls` puts generated code where it is looked for.
let package = Package(
    name: "calls",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../../swift-package")],
    targets: [
        .systemLibrary(name: "PlainFFI"),
        .target(name: "Plain", dependencies: ["PlainFFI"]),
        .executableTarget(
            name: "Calls", dependencies: ["Plain", .product(name: "DataTracks", package: "swift-package")]),
    ],
    swiftLanguageModes: [.v6]
)
