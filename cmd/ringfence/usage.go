package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// usageError is an error in how a command was written: exit code 2, where something that could not be
// done is 1.
type usageError struct{ error }

// ExitCode is the process's exit code for this error.
func (usageError) ExitCode() int { return 2 }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

// misused makes an error of cobra's in reading a command line a usage error.
func misused(cmd *cobra.Command, err error) error {
	return usagef("%w (see %s --help)", err, cmd.CommandPath())
}

// takes makes a wrong number of arguments a usage error.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return misused(cmd, err)
		}
		return nil
	}
}
