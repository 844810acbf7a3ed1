<?php
// Cases over PHP's SoapServer: /document, /rpc and /encoded by the WSDL of that name; /guarded wants a WS-Security user
// name; /gbk writes its replies in GBK, as systems of the time do, and /mislabelled says UTF-8 of them. Router script of PHP's own web server.

const DETAIL = ['code' => 'E404', 'hint' => '无此办件'];

function found(string $number): stdClass
{
    if (str_starts_with($number, 'BROKEN')) {
        throw new SoapFault('Server', 'database is down');
    }
    if (str_starts_with($number, 'NONE')) {
        throw new SoapFault('Client', 'no such case', null, (object) DETAIL);
    }
    $steps = [(object) ['at' => '2017-05-01T10:00:00', 'name' => '受理']];
    if (!str_ends_with($number, '1')) {
        $steps[] = (object) ['at' => '2017-05-02T11:00:00', 'name' => '审查'];
    }
    return (object) [
        'number' => $number,
        'state' => 'A',
        'appliedAt' => '2017-05-01T10:00:00',
        'title' => str_ends_with($number, '0') ? null : "超限运输许可 $number",
        'step' => $steps,
        'paper' => "批准文书 $number",
    ];
}

function listed(string $holder): array
{
    return $holder === 'nobody' ? [] : array_map('found', ['N0', 'N1', 'N2']);
}

class Document
{
    public function getCase(object $asked): array
    {
        return ['case' => found($asked->number)];
    }

    public function listCases(object $asked): array
    {
        return ['case' => listed($asked->holder)];
    }
}

class Rpc
{
    public function getCase(string $number): stdClass
    {
        return found($number);
    }

    public function listCases(string $holder): mixed
    {
        return (object) ['case' => listed($holder)];
    }
}

class Encoded extends Rpc
{
    public function listCases(string $holder): mixed
    {
        return listed($holder);
    }
}

class Guarded extends Document
{
    private bool $known = false;

    /** Called by PHP with the header of this name, before the operation. */
    public function Security(object $header): void
    {
        $token = $header->UsernameToken ?? null;
        $this->known = $token !== null && $token->Username === 'quanyu' && (string) ($token->Password->_ ?? $token->Password) === 'open sesame';
    }

    public function getCase(object $asked): array
    {
        if (!$this->known) {
            throw new SoapFault('Client.Authentication', 'who are you?');
        }
        return parent::getCase($asked);
    }
}

$kind = explode('/', trim(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), '/'))[0];
$folder = getenv('FOREIGN_WSDLS');
$files = ['document' => 'document', 'guarded' => 'document', 'gbk' => 'document', 'mislabelled' => 'document', 'rpc' => 'rpc', 'encoded' => 'encoded'];
$is_12 = str_contains($_SERVER['CONTENT_TYPE'] ?? '', 'soap+xml');
ini_set('soap.wsdl_cache_enabled', '0');
$server = new SoapServer("$folder/{$files[$kind]}.wsdl", ['soap_version' => $is_12 ? SOAP_1_2 : SOAP_1_1]);
$server->setClass(['rpc' => 'Rpc', 'encoded' => 'Encoded', 'guarded' => 'Guarded'][$kind] ?? 'Document');
if (!in_array($kind, ['gbk', 'mislabelled'], true)) {
    $server->handle();
    return;
}
ob_start();
$server->handle();
$text = str_replace('encoding="UTF-8"', 'encoding="GBK"', ob_get_clean());
ini_set('default_charset', $kind === 'gbk' ? '' : 'UTF-8');
header('Content-Type: text/xml');
header_remove('Content-Length');
echo iconv('UTF-8', 'GBK', $text);
