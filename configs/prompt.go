package configs

import (
	"embed"
	"io/fs"
)

//go:embed prompts/zh/*.wav prompts/en/*.wav
var prompts embed.FS

// Prompts are the prompts that come with Ringfence, as LANGUAGE/ID.wav. The table prompts/prompts.tsv
// says what is spoken.
func Prompts() fs.FS {
	folder, err := fs.Sub(prompts, "prompts")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	return folder
}
