X(loss)
X(svc)
