import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { recoveryScenarios } from '../../../helpers/core/crash/scenarios/recovery-scenarios.ts';
import { unsettledScenarios } from '../../../helpers/core/crash/scenarios/unsettled-scenarios.ts';

describeCrashes([...recoveryScenarios, ...unsettledScenarios]);
