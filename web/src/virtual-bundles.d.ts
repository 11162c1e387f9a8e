// The module that web/build/bundles.js makes.

declare module "virtual:bundles" {
  const bundles: import("../build/bundles.js").ListedBundle[];
  export default bundles;
}
