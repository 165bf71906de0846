//go:build e2e

package e2e_test

import (
	"io/fs"
	"testing"

	"ringfence/configs"
	"ringfence/media"
)

// prompt is a prompt as it comes with Ringfence.
func prompt(t *testing.T, language, id string) []int16 {
	t.Helper()
	file, err := fs.ReadFile(configs.Prompts(), language+"/"+id+".wav")
	if err != nil {
		t.Fatal(err)
	}
	recording, err := media.ReadWAV(file)
	if err != nil {
		t.Fatal(err)
	}
	return media.Resample(recording, rate)
}
