/* Cases over gSOAP, document/literal; answers in the SOAP version of the request. One request at a time. */
#include "soapH.h"
#include "Cases.nsmap"

static char *joined(struct soap *soap, const char *before, const char *number) {
  char *text = soap_malloc(soap, strlen(before) + strlen(number) + 1);
  return strcat(strcpy(text, before), number);
}

static int ends_with(const char *text, char sign) {
  size_t length = strlen(text);
  return length > 0 && text[length - 1] == sign;
}

static void fill(struct soap *soap, char *number, struct t__Case *one) {
  soap_default_t__Case(soap, one);
  one->kind = "permit";
  one->number = number;
  one->state = "A";
  one->appliedAt = "2017-05-01T10:00:00";
  one->title = soap_malloc(soap, sizeof(char *));
  *one->title = joined(soap, "超限运输许可 ", number);
  if (ends_with(number, '0'))
    one->title = NULL;
  one->__sizestep = ends_with(number, '1') ? 1 : 2;
  one->step = soap_malloc(soap, 2 * sizeof(struct t__Step));
  one->step[0].at = "2017-05-01T10:00:00";
  one->step[0].name = "受理";
  one->step[1].at = "2017-05-02T11:00:00";
  one->step[1].name = "审查";
  one->paper = soap_malloc(soap, sizeof(struct xsd__base64Binary));
  one->paper->__ptr = (unsigned char *)joined(soap, "批准文书 ", number);
  one->paper->__size = (int)strlen((char *)one->paper->__ptr);
}

static int no_such_case(struct soap *soap) {
  struct SOAP_ENV__Detail *detail = soap_malloc(soap, sizeof(struct SOAP_ENV__Detail));
  soap_default_SOAP_ENV__Detail(soap, detail);
  detail->t__trouble = soap_malloc(soap, sizeof(struct t__Trouble));
  detail->t__trouble->code = "E404";
  detail->t__trouble->hint = "无此办件";
  soap_sender_fault(soap, "no such case", NULL);
  if (soap->version == 2)
    soap->fault->SOAP_ENV__Detail = detail;
  else
    soap->fault->detail = detail;
  return SOAP_FAULT;
}

int t__getCase(struct soap *soap, char *number, struct t__getCaseResponse *reply) {
  if (number == NULL)
    return soap_sender_fault(soap, "a number is needed", NULL);
  if (strncmp(number, "BROKEN", 6) == 0)
    return soap_receiver_fault(soap, "database is down", NULL);
  if (strncmp(number, "NONE", 4) == 0)
    return no_such_case(soap);
  reply->case_ = soap_malloc(soap, sizeof(struct t__Case));
  fill(soap, number, reply->case_);
  return SOAP_OK;
}

int t__listCases(struct soap *soap, char *holder, struct t__listCasesResponse *reply) {
  static char *numbers[] = {"N0", "N1", "N2"};
  reply->__sizecase_ = holder != NULL && strcmp(holder, "nobody") == 0 ? 0 : 3;
  reply->case_ = soap_malloc(soap, 3 * sizeof(struct t__Case));
  for (int at = 0; at < 3; at++)
    fill(soap, numbers[at], &reply->case_[at]);
  return SOAP_OK;
}

int main(void) {
  struct soap *soap = soap_new1(SOAP_C_UTFSTRING);
  struct sockaddr_in address;
  socklen_t length = sizeof(address);
  soap->bind_flags = SO_REUSEADDR;
  soap->recv_timeout = soap->send_timeout = 5;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", 0, 64)))
    return 1;
  getsockname(soap->master, (struct sockaddr *)&address, &length);
  printf("PORT %d\n", ntohs(address.sin_port));
  fflush(stdout);
  alarm(600); /* a server whose starter is gone ends by itself */
  while (soap_valid_socket(soap_accept(soap))) {
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
  }
  return 0;
}
