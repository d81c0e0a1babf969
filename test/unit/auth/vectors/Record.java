// Uploads by AWS SDK for Java v1 and v2 over plain HTTP, the clients that sign each chunk. Run by record.py.
import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.ClientConfiguration;
import com.amazonaws.client.builder.AwsClientBuilder;
import com.amazonaws.services.s3.AmazonS3ClientBuilder;
import com.amazonaws.services.s3.model.ObjectMetadata;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.util.Arrays;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

public class Record {
  static void attempt(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException error) {
      System.err.println(error.getMessage());
    }
  }

  public static void main(String[] args) {
    String endpoint = "http://127.0.0.1:" + args[0];
    byte[] body = new byte[200_000];
    Arrays.fill(body, (byte) 'a');
    for (String signer : new String[] {"AWSS3V4SignerType", "S3SignerType"}) {
      var v1 = AmazonS3ClientBuilder.standard()
          .withClientConfiguration(new ClientConfiguration().withSignerOverride(signer).withMaxErrorRetry(0))
          .withEndpointConfiguration(new AwsClientBuilder.EndpointConfiguration(endpoint, "us-east-1"))
          .withCredentials(new AWSStaticCredentialsProvider(new BasicAWSCredentials(args[1], args[2])))
          .withPathStyleAccessEnabled(true)
          .build();
      var metadata = new ObjectMetadata();
      metadata.setContentLength(body.length);
      attempt(() -> v1.putObject("foobar", "java-v1/" + signer + " key", new ByteArrayInputStream(body), metadata));
      attempt(() -> v1.getBucketAcl("foobar"));
    }
    var v2 = S3Client.builder()
        .endpointOverride(URI.create(endpoint))
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(args[1], args[2])))
        .build();
    attempt(() -> v2.putObject(r -> r.bucket("foobar").key("java-v2/key"), RequestBody.fromBytes(body)));
    attempt(() -> v2.putObject(r -> r.bucket("foobar").key("java-v2/empty"), RequestBody.empty()));
  }
}
