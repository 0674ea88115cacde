// The version that `everycore --version` prints.

package let everycoreVersion = "0.1.0"
