// swift-tools-version: 6.0
import PackageDescription

// For those who take the package by its URL. The package itself, with its examples and tests, is in swift-package/.

/// The framework of the release that this manifest is part of. Without one: the framework that `cargo tasks xcframework` makes.
let released: (url: String, checksum: String)? = nil

#if os(Linux)
  let library = Target.systemLibrary(
    name: "DataTracksFFI", path: "swift-package/Sources/DataTracksFFI")
#else
  let library =
    if let released {
      Target.binaryTarget(
        name: "DataTracksFFI", url: released.url, checksum: released.checksum)
    } else {
      Target.binaryTarget(
        name: "DataTracksFFI", path: "swift-package/DataTracksFFI.xcframework")
    }
#endif

let package = Package(
  name: "datatracks",
  platforms: [.iOS(.v13), .macOS(.v11)],
  products: [.library(name: "DataTracks", targets: ["DataTracks"])],
  targets: [
    library,
    .target(
      name: "DataTracks", dependencies: ["DataTracksFFI"], path: "swift-package/Sources/DataTracks",
      resources: [.copy("PrivacyInfo.xcprivacy")]),
  ],
  swiftLanguageModes: [.v6]
)
