// Uploads by minio-go over plain HTTP, which signs each chunk and its trailers. Run by record.py.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func main() {
	endpoint, access, secret := "127.0.0.1:"+os.Args[1], os.Args[2], os.Args[3]
	body := strings.Repeat("a", 200_000)
	for _, options := range []minio.Options{
		{Creds: credentials.NewStaticV4(access, secret, ""), Region: "us-east-1", TrailingHeaders: true},
		{Creds: credentials.NewStaticV4(access, secret, ""), Region: "us-east-1"},
		{Creds: credentials.NewStaticV2(access, secret, ""), Region: "us-east-1"},
	} {
		client, err := minio.New(endpoint, &options)
		if err != nil {
			panic(err)
		}
		name := fmt.Sprintf("minio-go/%T %v", options.Creds, options.TrailingHeaders)
		_, err = client.PutObject(context.Background(), "foobar", name, strings.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
		fmt.Fprintln(os.Stderr, err)
		_, err = client.GetBucketPolicy(context.Background(), "foobar")
		fmt.Fprintln(os.Stderr, err)
	}
}
