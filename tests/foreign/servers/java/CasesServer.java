import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.WebService;
import javax.jws.soap.SOAPBinding;
import javax.xml.bind.annotation.XmlAccessType;
import javax.xml.bind.annotation.XmlAccessorType;
import javax.xml.bind.annotation.XmlAttribute;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.bind.annotation.XmlRootElement;
import javax.xml.bind.annotation.XmlType;
import javax.xml.ws.BindingType;
import javax.xml.ws.Endpoint;
import javax.xml.ws.RequestWrapper;
import javax.xml.ws.ResponseWrapper;
import javax.xml.ws.WebFault;

/** Cases over JAX-WS (Metro): document/literal and rpc/literal, SOAP 1.1 and 1.2, WSDLs as it writes them itself. */
public class CasesServer {
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Step {
        public String at;
        public String name;

        public Step() {}

        Step(String at, String name) {
            this.at = at;
            this.name = name;
        }
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Case {
        @XmlAttribute public String kind = "permit";
        @XmlElement(required = true) public String number;
        @XmlElement(required = true) public String state;
        @XmlElement(required = true) public String appliedAt;
        @XmlElement(nillable = true) public String title;
        @XmlElement(name = "step") public List<Step> steps = new ArrayList<>();
        public byte[] paper;
    }

    @XmlAccessorType(XmlAccessType.FIELD)
    public static class Trouble {
        public String code;
        public String hint;
    }

    @WebFault(name = "trouble", targetNamespace = "urn:quanyu:foreign")
    public static class CaseException extends Exception {
        private final Trouble trouble;

        public CaseException(String message, Trouble trouble) {
            super(message);
            this.trouble = trouble;
        }

        public Trouble getFaultInfo() {
            return trouble;
        }
    }

    static Case of(String number) throws CaseException {
        if (number.startsWith("BROKEN")) {
            throw new IllegalStateException("database is down");
        }
        if (number.startsWith("NONE")) {
            Trouble trouble = new Trouble();
            trouble.code = "E404";
            trouble.hint = "无此办件";
            throw new CaseException("no such case", trouble);
        }
        Case one = new Case();
        one.number = number;
        one.state = "A";
        one.appliedAt = "2017-05-01T10:00:00";
        one.title = number.endsWith("0") ? null : "超限运输许可 " + number;
        one.steps.add(new Step("2017-05-01T10:00:00", "受理"));
        if (!number.endsWith("1")) {
            one.steps.add(new Step("2017-05-02T11:00:00", "审查"));
        }
        one.paper = ("批准文书 " + number).getBytes(StandardCharsets.UTF_8);
        return one;
    }

    static List<Case> list(String holder) throws CaseException {
        List<Case> found = new ArrayList<>();
        if (holder.equals("nobody")) {
            return found;
        }
        for (String number : new String[] {"N0", "N1", "N2"}) {
            found.add(of(number));
        }
        return found;
    }

    // Wrapper beans are written out: what would make them at run time needs classes that Debian leaves out.
    @XmlRootElement(name = "getCase", namespace = "urn:quanyu:foreign")
    @XmlType(name = "getCase", namespace = "urn:quanyu:foreign")
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class GetCase {
        public String number;
    }

    @XmlRootElement(name = "getCaseResponse", namespace = "urn:quanyu:foreign")
    @XmlType(name = "getCaseResponse", namespace = "urn:quanyu:foreign")
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class GetCaseResponse {
        @XmlElement(name = "case") public Case found;
    }

    @XmlRootElement(name = "listCases", namespace = "urn:quanyu:foreign")
    @XmlType(name = "listCases", namespace = "urn:quanyu:foreign")
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class ListCases {
        public String holder;
    }

    @XmlRootElement(name = "listCasesResponse", namespace = "urn:quanyu:foreign")
    @XmlType(name = "listCasesResponse", namespace = "urn:quanyu:foreign")
    @XmlAccessorType(XmlAccessType.FIELD)
    public static class ListCasesResponse {
        @XmlElement(name = "case") public List<Case> found;
    }

    @WebService(targetNamespace = "urn:quanyu:foreign", serviceName = "Cases", portName = "Port")
    public static class Document {
        @WebMethod @WebResult(name = "case")
        @RequestWrapper(className = "CasesServer$GetCase")
        @ResponseWrapper(className = "CasesServer$GetCaseResponse")
        public Case getCase(@WebParam(name = "number") String number) throws CaseException {
            return of(number);
        }

        @WebMethod @WebResult(name = "case")
        @RequestWrapper(className = "CasesServer$ListCases")
        @ResponseWrapper(className = "CasesServer$ListCasesResponse")
        public List<Case> listCases(@WebParam(name = "holder") String holder) throws CaseException {
            return list(holder);
        }
    }

    @WebService(targetNamespace = "urn:quanyu:foreign", serviceName = "Cases", portName = "Port")
    @BindingType(javax.xml.ws.soap.SOAPBinding.SOAP12HTTP_BINDING)
    public static class Document12 extends Document {
        @Override @WebMethod @WebResult(name = "case")
        @RequestWrapper(className = "CasesServer$GetCase")
        @ResponseWrapper(className = "CasesServer$GetCaseResponse")
        public Case getCase(@WebParam(name = "number") String number) throws CaseException {
            return of(number);
        }

        @Override @WebMethod @WebResult(name = "case")
        @RequestWrapper(className = "CasesServer$ListCases")
        @ResponseWrapper(className = "CasesServer$ListCasesResponse")
        public List<Case> listCases(@WebParam(name = "holder") String holder) throws CaseException {
            return list(holder);
        }
    }

    @WebService(targetNamespace = "urn:quanyu:foreign", serviceName = "Cases", portName = "Port")
    @SOAPBinding(style = SOAPBinding.Style.RPC)
    public static class Rpc {
        @WebMethod @WebResult(name = "case")
        public Case getCase(@WebParam(name = "number") String number) throws CaseException {
            return of(number);
        }

        @WebMethod @WebResult(name = "cases")
        public Case[] listCases(@WebParam(name = "holder") String holder) throws CaseException {
            return list(holder).toArray(new Case[0]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        Endpoint.create(new Document()).publish(server.createContext("/document"));
        Endpoint.create(new Document12()).publish(server.createContext("/document12"));
        Endpoint.create(new Rpc()).publish(server.createContext("/rpc"));
        server.start();
        System.out.println("PORT " + server.getAddress().getPort());
        System.out.flush();
        while (System.in.read() >= 0) {} // ends with whoever started it
        System.exit(0);
    }
}
