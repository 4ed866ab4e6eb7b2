package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/tspclient-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

var mediaTypes = map[string]string{"jws": jws.MediaTypeEnvelope, "cose": cose.MediaTypeEnvelope}

// signer makes envelopes as notation's own does, and lets the caller choose what that one decides by itself.
type signer struct {
	local       signature.LocalSigner
	scheme      signature.SigningScheme
	time        time.Time
	critical    string
	timestamper tspclient.Timestamper
	roots       *x509.CertPool
}

func sign(args []string) error {
	flags := flag.NewFlagSet("sign", flag.ExitOnError)
	keyFile := flags.String("key", "", "a private key, PEM")
	chainFile := flags.String("chain", "", "the certificates of the key, PEM")
	format := flags.String("format", "jws", "jws or cose")
	expiry := flags.Duration("expiry", 0, "after how long it expires")
	scheme := flags.String("scheme", string(signature.SigningSchemeX509), "the signing scheme")
	moment := flags.Int64("time", time.Now().Unix(), "when it is signed, in seconds since 1970")
	critical := flags.String("critical", "", "the name of a header that is critical")
	tsaConfig := flags.String("tsa-config", "", "a configuration of openssl ts, of a timestamp authority")
	tsaRoot := flags.String("tsa-root", "", "the root of that authority, PEM")
	metadata := pairs{}
	flags.Var(metadata, "metadata", "NAME=VALUE to put in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reference := flags.Arg(0)
	local, err := readSigner(*keyFile, *chainFile)
	if err != nil {
		return err
	}
	maker := &signer{
		local:    local,
		scheme:   signature.SigningScheme(*scheme),
		time:     time.Unix(*moment, 0),
		critical: *critical,
	}
	if *tsaConfig != "" {
		maker.timestamper = openssl{config: *tsaConfig}
		certificates, err := corex509.ReadCertificateFile(*tsaRoot)
		if err != nil {
			return err
		}
		maker.roots = x509.NewCertPool()
		for _, certificate := range certificates {
			maker.roots.AddCert(certificate)
		}
	}
	repository, err := openRepository(reference)
	if err != nil {
		return err
	}
	image, err := notation.Sign(context.Background(), maker, repository, notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{SignatureMediaType: mediaTypes[*format], ExpiryDuration: *expiry},
		ArtifactReference: reference,
		UserMetadata:      metadata,
	})
	if err != nil {
		return err
	}
	fmt.Println(image.Digest)
	return nil
}

func readSigner(keyFile, chainFile string) (signature.LocalSigner, error) {
	chain, err := corex509.ReadCertificateFile(chainFile)
	if err != nil {
		return nil, err
	}
	key, err := corex509.ReadPrivateKeyFile(keyFile)
	if err != nil {
		return nil, err
	}
	return signature.NewLocalSigner(chain, key)
}

// Sign is notation.Signer's.
func (s *signer) Sign(ctx context.Context, image ocispec.Descriptor, options notation.SignerSignOptions) ([]byte, *signature.SignerInfo, error) {
	image = ocispec.Descriptor{
		MediaType:   image.MediaType,
		Digest:      image.Digest,
		Size:        image.Size,
		Annotations: image.Annotations,
	}
	payload, err := json.Marshal(map[string]ocispec.Descriptor{"targetArtifact": image})
	if err != nil {
		return nil, nil, err
	}
	request := &signature.SignRequest{
		Payload: signature.Payload{
			ContentType: "application/vnd.cncf.notary.payload.v1+json",
			Content:     payload,
		},
		Signer:        s.local,
		SigningTime:   s.time,
		SigningScheme: s.scheme,
		SigningAgent:  "notation-go/1.3.2",
		Timestamper:   s.timestamper,
		TSARootCAs:    s.roots,
	}
	if options.ExpiryDuration != 0 {
		request.Expiry = s.time.Add(options.ExpiryDuration)
	}
	if s.critical != "" {
		request.ExtendedSignedAttributes = []signature.Attribute{{Key: s.critical, Critical: true, Value: "x"}}
	}
	envelope, err := signature.NewEnvelope(options.SignatureMediaType)
	if err != nil {
		return nil, nil, err
	}
	bytes, err := envelope.Sign(request.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	content, err := envelope.Verify()
	if err != nil {
		return nil, nil, err
	}
	return bytes, &content.SignerInfo, nil
}

// openssl is a timestamp authority without a network: openssl answers the requests.
type openssl struct{ config string }

// Timestamp is tspclient.Timestamper's.
func (o openssl) Timestamp(ctx context.Context, request *tspclient.Request) (*tspclient.Response, error) {
	query, err := request.MarshalBinary()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "notation-timestamp-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	queryFile, answerFile := filepath.Join(folder, "query"), filepath.Join(folder, "answer")
	if err := os.WriteFile(queryFile, query, 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "openssl", "ts", "-reply", "-config", o.config, "-queryfile", queryFile, "-out", answerFile)
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("openssl ts: %w: %s", err, output)
	}
	answer, err := os.ReadFile(answerFile)
	if err != nil {
		return nil, err
	}
	var response tspclient.Response
	if err := response.UnmarshalBinary(answer); err != nil {
		return nil, err
	}
	return &response, nil
}
