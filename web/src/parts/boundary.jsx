// Shows the error of a view that failed; the other views still work.

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
