// Signs and verifies images in a registry without TLS as notation does, with its own library:
//
//	notation-go sign --key FILE --chain FILE [flags] HOST/REPOSITORY@DIGEST
//	notation-go verify --policy FILE --store FOLDER [flags] HOST/REPOSITORY@DIGEST
//
// What `sign` writes on standard output is the digest of the image, what `verify` writes is JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "notation:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("sign or verify?")
	}
	switch args[0] {
	case "sign":
		return sign(args[1:])
	case "verify":
		return verify(args[1:])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// pairs is a flag that may be repeated, each time with NAME=VALUE.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is not NAME=VALUE", text)
	}
	p[name] = value
	return nil
}

func openRepository(reference string) (registry.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	return registry.NewRepository(repository), nil
}

// verified is what is known of one signature.
type verified struct {
	Digest   string            `json:"digest"`
	Level    string            `json:"level"`
	Scheme   string            `json:"scheme"`
	Metadata map[string]string `json:"metadata"`
	// Logged are the checks that failed, and that the policy does not enforce.
	Logged []string `json:"logged"`
}

func verify(args []string) error {
	flags := flag.NewFlagSet("verify", flag.ExitOnError)
	policyFile := flags.String("policy", "", "a trust policy document")
	store := flags.String("store", "", "a folder with truststore/x509/TYPE/NAME/FILE")
	metadata := pairs{}
	flags.Var(metadata, "metadata", "NAME=VALUE that has to be in the signature")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reference := flags.Arg(0)
	policy, err := readPolicy(*policyFile)
	if err != nil {
		return err
	}
	judge, err := verifier.New(policy, truststore.NewX509TrustStore(dir.NewSysFS(*store)), nil)
	if err != nil {
		return err
	}
	repository, err := openRepository(reference)
	if err != nil {
		return err
	}
	options := notation.VerifyOptions{ArtifactReference: reference, MaxSignatureAttempts: 100, UserMetadata: metadata}
	image, outcomes, err := notation.Verify(context.Background(), judge, repository, options)
	if err != nil {
		return err
	}
	outcome := outcomes[0]
	found := verified{Digest: image.Digest.String(), Level: outcome.VerificationLevel.Name, Logged: []string{}}
	if content := outcome.EnvelopeContent; content != nil {
		found.Scheme = string(content.SignerInfo.SignedAttributes.SigningScheme)
		found.Metadata, err = outcome.UserMetadata()
		if err != nil {
			return err
		}
	}
	for _, result := range outcome.VerificationResults {
		if result.Error != nil {
			found.Logged = append(found.Logged, string(result.Type))
		}
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func readPolicy(path string) (*trustpolicy.Document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document trustpolicy.Document
	return &document, json.Unmarshal(text, &document)
}
