// A view that fails says so, and the others go on.

import { Component } from "preact";

import { t } from "../i18n.js";
import { Fault } from "./fault.jsx";

export class Boundary extends Component {
  state = { error: undefined };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render({ children }, { error }) {
    return error ? <Fault error={error} what={t("fault.view")} /> : children;
  }
}
