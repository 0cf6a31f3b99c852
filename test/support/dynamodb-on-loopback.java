import java.lang.reflect.Field;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * DynamoDB Local has no option for the address it listens on and takes all of them. This starts it on loopback only, at a port of the system's
 * choice, and ends it with the input, so also when the test process is gone.
 */
public final class DynamoDbOnLoopback {
  public static void main(String[] arguments) throws Exception {
    String[] options = {"-inMemory", "-disableTelemetry", "-port", "8000"};
    DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(options);
    Field field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    ServerConnector connector = (ServerConnector) ((Server) field.get(proxy)).getConnectors()[0];
    connector.setHost("127.0.0.1");
    connector.setPort(0);
    proxy.safeStart();
    System.out.println("listening on " + connector.getLocalPort());
    while (System.in.read() != -1) {}
    System.exit(0);
  }
}
