import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { recoveryScenarios } from '../../../helpers/core/crash/recovery-scenarios.ts';
import { unsettledScenarios } from '../../../helpers/core/crash/unsettled-scenarios.ts';

describeCrashes([...recoveryScenarios, ...unsettledScenarios]);
