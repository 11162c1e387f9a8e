// Shows the error of a view that failed; the other views still work.

/** @import { ComponentChildren } from "preact" */
/** @import { Fault as AnyFault } from "../model/fault.js" */

import { Component } from "preact";

import { t } from "../i18n.js";
import { faultFrom } from "../model/fault.js";
import { Fault } from "./fault.jsx";

/** @extends {Component<{children: ComponentChildren}, {error?: AnyFault}>} */
export class Boundary extends Component {
  /** @type {{error?: AnyFault}} */
  state = { error: undefined };

  /** @param {unknown} error */
  static getDerivedStateFromError(error) {
    return { error: faultFrom(error) };
  }

  /**
   * @param {{children: ComponentChildren}} props
   * @param {{error?: AnyFault}} state
   */
  render({ children }, { error }) {
    return error ? <Fault error={error} what={t("fault.view")} /> : children;
  }
}
